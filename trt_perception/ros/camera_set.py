"""What a camera knows of the sets that it is in."""

from __future__ import annotations

from typing import Protocol

from trt_perception.ros.received_image import ReceivedImage


class CameraSet(Protocol):
    """What takes a camera's images together with others': `SetChannel`."""

    @property
    def lane_name(self) -> str:
        """The pipeline."""

    @property
    def is_heard(self) -> bool:
        """Whether somebody listens to its results."""

    @property
    def busy_since_ns(self) -> int:
        """Steady time since which its worker is at one set; 0 = waiting."""

    @property
    def most_held(self) -> int:
        """Images of one camera that it holds at once, at most."""

    def put(self, source: int, image: ReceivedImage) -> None:
        """Take the next image of its camera of that number. Short, and waits for nothing."""

    def note_enabled(self) -> None:
        """A camera was switched on or off."""

    def incomplete(self, now_ns: int) -> str:
        """What kept it from being complete lately, in words; empty where nothing did."""
