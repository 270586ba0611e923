"""What is played, and what was sent."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class PlayedMessage:
    """One serialized message and when it is due.

    Args:
        topic: Where it goes.
        type_name: Its type, e.g. ``sensor_msgs/msg/Image``.
        time_ns: Its place in time; only differences matter, unless /clock is published.
        data: The message in CDR.
    """

    topic: str
    type_name: str
    time_ns: int
    data: bytes | memoryview = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class SentMessage:
    """One line of the sender's ledger: what went out, its header stamp (None without one), and the system time."""

    topic: str
    stamp_ns: int | None
    sent_ns: int
