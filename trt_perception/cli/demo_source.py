"""What the demo plays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from trt_perception.bag.true_objects import TrueObjects


@dataclass(frozen=True, kw_only=True, eq=False)
class FrameTruth:
    """What is really in one frame.

    Args:
        objects: The objects.
        mask: uint8 (h, w), class id of every pixel.
    """

    objects: TrueObjects
    mask: NDArray[np.uint8] = field(repr=False)


class DemoSource(Protocol):
    """Cameras whose frames are played in order, and how a frame that was sent is found again."""

    @property
    def cameras(self) -> Sequence[str]:
        """Names of the cameras."""

    @property
    def description(self) -> str:
        """For people."""

    @property
    def rate_hz(self) -> float:
        """Images a second and camera."""

    @property
    def play_arguments(self) -> Sequence[str]:
        """Arguments of `trt-perception play`."""

    @property
    def has_own_time(self) -> bool:
        """Whether the stamps are those of a recording, so that the node must take its time from /clock."""

    @property
    def mask_labels(self) -> Sequence[str]:
        """Names of the classes of the true masks; empty where there is no truth."""

    def topic(self, camera: str) -> str:
        """The camera's image topic."""

    def image(self, camera: str, index: int) -> NDArray[np.uint8]:
        """The camera's frame that was sent as number `index`: uint8 (h, w, 3), BGR."""

    def truth(self, camera: str, index: int) -> FrameTruth | None:
        """What is really in that frame; None where nobody knows."""
