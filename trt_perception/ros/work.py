"""What a worker takes, and where it takes it from."""

from __future__ import annotations

from typing import Protocol, TypeVar

from trt_perception.errors import DropReason
from trt_perception.ros.frame_passage import FramePassage


class Work(Protocol):
    """What one run takes: an image (`ReceivedImage`), or a set of several cameras' (`ReceivedSet`)."""

    @property
    def stamp_ns(self) -> int:
        """The first image's."""

    @property
    def passage(self) -> FramePassage:
        """The first image's."""

    def drop(self, reason: DropReason, problem: str = "", *, started_ns: int = 0) -> None:
        """It ends without a result."""

    def processed(self, *, now_ns: int, ros_now_ns: int, started_ns: int) -> None:
        """Its results are published."""


W = TypeVar("W", bound=Work)
W_co = TypeVar("W_co", bound=Work, covariant=True)


class WaitingWork(Protocol[W_co]):
    """Where the newest waits: `Slot`, `SetSlot`."""

    def take(self, timeout_s: float) -> W_co | None:
        """The newest; None after the time, after `wake`, or now and then for nothing."""

    def wake(self) -> None:
        """Let a waiting `take` return."""
