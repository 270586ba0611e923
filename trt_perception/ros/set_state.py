"""Whether one set of cameras is complete, in words."""

from __future__ import annotations

from collections.abc import Sequence

from trt_perception.pairing.pairing_options import PairingOptions
from trt_perception.ros.counters import WINDOW_NS

TOLD_NS = 1_000_000_000
"""A set that was incomplete for longer is told when it is complete again."""


class SetState:
    """Told of every set, and of every frame of the first camera that has none. Not thread-safe, but for reading.

    Args:
        pipeline: Name of the pipeline.
        cameras: Names of the cameras.
        options: How they are paired.
    """

    def __init__(self, pipeline: str, cameras: Sequence[str], options: PairingOptions) -> None:
        self._pipeline = pipeline
        self._cameras = tuple(cameras)
        self._options = options
        self._since_ns = 0  # of the first frame without a set since the last set
        self._last: tuple[int, str] = (0, "")  # when a frame had no set, and why

    def complete(self, now_ns: int) -> str:
        """There is a set; the line to say where there was none for long, else empty."""
        since_ns, self._since_ns = self._since_ns, 0
        if not since_ns or now_ns - since_ns < TOLD_NS:
            return ""
        return (
            f"pipeline {self._pipeline}: {_set(self._cameras)} complete again after {(now_ns - since_ns) / 1e9:.1f} s"
        )

    def unpaired(
        self, missing: int, nearest_ns: int | None, now_ns: int, *, is_enabled: bool, last_received_ns: int
    ) -> str:
        """A frame of the first camera has no set; why, in words.

        Args:
            missing: Index of the camera that has no frame for it.
            nearest_ns: How far the stamp of that camera's nearest frame is ahead; None where none is known.
            now_ns: The steady clock.
            is_enabled: Whether that camera is.
            last_received_ns: Steady time of that camera's last image; 0 before the first.
        """
        self._since_ns = self._since_ns or now_ns
        why = self._why(nearest_ns, now_ns, is_enabled=is_enabled, last_received_ns=last_received_ns)
        text = f"pipeline {self._pipeline}: {_set(self._cameras)} incomplete: {self._cameras[missing]} {why}"
        self._last = now_ns, text
        return text

    def incomplete(self, now_ns: int) -> str:
        """Why the last frame without a set had none; empty where that is long ago, or never was."""
        when_ns, text = self._last
        return text if text and now_ns - when_ns < WINDOW_NS else ""

    def _why(self, nearest_ns: int | None, now_ns: int, *, is_enabled: bool, last_received_ns: int) -> str:
        if not is_enabled:
            return "is disabled"
        if not last_received_ns:
            return "has sent no image"
        silent_ns = now_ns - last_received_ns
        if nearest_ns is None or silent_ns > 10 * self._options.deadline_ns:
            return f"has sent no image for {silent_ns / 1e9:.1f} s"
        return (
            f"has none within tolerance_ms {self._options.tolerance_ms:g}; its nearest stamp is "
            f"{abs(nearest_ns) / 1e6:.1f} ms {'later' if nearest_ns > 0 else 'earlier'}"
        )


def _set(cameras: Sequence[str]) -> str:
    return f"the set [{', '.join(cameras)}] is"
