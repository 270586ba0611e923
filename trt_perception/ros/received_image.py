"""One image message between the executor thread, which received it, and the worker, which uses it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from trt_perception.cdr.image_message import ImageMessage
from trt_perception.errors import DropReason
from trt_perception.frame import EncodedFrame, Frame
from trt_perception.ros.camera_journal import CameraJournal
from trt_perception.ros.frame_passage import FramePassage
from trt_perception.ros.shared_end import SharedEnd


@dataclass(frozen=True)
class ReceivedImage:
    """One received message.

    Args:
        stamp_ns: The header's stamp.
        age_is_known: Whether the node's clock minus the stamp is an age.
        content: The frame; compressed, or with an encoding that only cv_bridge converts, as the message has it.
        data: The serialized message, which `content` is a view of; in a ring its slot is free once nothing views it.
        passage: When it came, and the how-manieth of its camera it is.
        journal: Its camera's, where its end is written down.
        end: Where its end is gathered first, if not its camera's worker alone takes it.
    """

    stamp_ns: int
    age_is_known: bool
    content: Frame | EncodedFrame | ImageMessage
    data: bytes | memoryview = field(repr=False)
    passage: FramePassage
    journal: CameraJournal = field(repr=False, compare=False)
    end: SharedEnd | None = field(default=None, repr=False, compare=False)

    def drop(self, reason: DropReason, problem: str = "", *, started_ns: int = 0) -> None:
        """Whoever took it has no result.

        Args:
            reason: Why.
            problem: What exactly is wrong; empty where that is no fault.
            started_ns: Steady time at which a worker took it; 0 where none did.
        """
        passage = replace(self.passage, started_ns=started_ns) if started_ns else self.passage
        if self.end is None:
            self.journal.drop(reason, self.stamp_ns, problem, passage=passage)
        else:
            self.end.drop(reason, problem, passage)

    def processed(self, *, now_ns: int, ros_now_ns: int, started_ns: int) -> None:
        """Whoever took it has published its results.

        Args:
            now_ns: The steady clock.
            ros_now_ns: The node's clock.
            started_ns: Steady time at which a worker took it.
        """
        age_ns = ros_now_ns - self.stamp_ns if self.age_is_known else -1
        known_ns = age_ns if age_ns >= 0 else None
        if self.end is None:
            self.journal.counters.add_processed(now_ns, latency_ns=now_ns - started_ns, age_ns=known_ns)
        else:
            self.end.processed(now_ns, latency_ns=now_ns - started_ns, age_ns=known_ns)
