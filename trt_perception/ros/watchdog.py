"""Notices that a camera went silent, and that it is back."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class WatchdogEvent:
    """What has changed: the camera went silent, or it came (back)."""

    is_silence: bool
    text: str


class Watchdog:
    """Compares the last sign of life with a limit, on the steady clock. Not thread-safe.

    Args:
        timeout_ns: Silence that counts as stopped.
        start_ns: Steady time from which silence is counted.
    """

    def __init__(self, *, timeout_ns: int, start_ns: int) -> None:
        self._timeout_ns = timeout_ns
        self._last_ns = start_ns
        self._has_come = False
        self._stopped = False

    def check(self, last_received_ns: int, now_ns: int) -> WatchdogEvent | None:
        """What has changed since the last check; None where nothing has.

        Args:
            last_received_ns: Steady time of the camera's last message; 0 where none came yet.
            now_ns: The steady clock.
        """
        if last_received_ns > self._last_ns:
            was_silent_ns = last_received_ns - self._last_ns
            self._last_ns = last_received_ns
            was_stopped, self._stopped = self._stopped, False
            first, self._has_come = not self._has_come, True
            if was_stopped:
                text = "first image came" if first else "images come again"
                return WatchdogEvent(is_silence=False, text=f"{text} after {was_silent_ns / 1e9:.1f} s")
        if not self._stopped and now_ns - self._last_ns > self._timeout_ns:
            self._stopped = True
            silent_s = (now_ns - self._last_ns) / 1e9
            text = "no image for" if self._has_come else "no image came in the first"
            return WatchdogEvent(is_silence=True, text=f"{text} {silent_s:.1f} s")
        return None
