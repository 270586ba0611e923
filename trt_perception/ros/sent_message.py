"""What a player sent: one line of its ledger."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SentMessage:
    """One line of the sender's ledger: what went out, its header stamp (None without one), and the system time."""

    topic: str
    stamp_ns: int | None
    sent_ns: int
