"""One kind of fault."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.soak.camera import CameraPlan, SoakCamera
    from bench.soak.status_watch import CameraState

PERIOD_S = 1.0
"""Time between two diagnostics."""
MARGIN_S = 1.0
"""What may pass beside: until a frame is taken, and until the message with the status is read."""

SEEN_S = PERIOD_S + MARGIN_S


@dataclass(frozen=True, kw_only=True)
class Times:
    """What one playing of a fault came to.

    Args:
        seen_s: From the cause until it stood on diagnostics; None where it did not.
        over_s: From the end of the cause until a frame sent after it was answered; None where none was.
    """

    seen_s: float | None = None
    over_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A fault, and how it is played.

    Args:
        name: As in docs/faults.md.
        play: Plays it on a camera, whose status before is given.
        seen_within_s: Longest time until it stands on diagnostics; None where it is no fault of the node's.
        over_within_s: Longest time until results come again.
        fits: Whether a camera can have it.
        is_slow: Whether it takes longer than ten seconds.
    """

    name: str
    play: Callable[[SoakCamera, CameraState], Times]
    seen_within_s: float | None = SEEN_S
    over_within_s: float = 1.0
    fits: Callable[[CameraPlan], bool] = lambda plan: True
    is_slow: bool = False
