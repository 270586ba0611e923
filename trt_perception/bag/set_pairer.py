"""Puts the frames of recorded cameras together, each set of cameras for itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic

from trt_perception.bag.camera_sets import CameraSets
from trt_perception.pairing.frame_pairer import FramePairer
from trt_perception.pairing.paired_set import Outcome, T
from trt_perception.pairing.pairing_options import IncompleteSet, PairingOptions


class SetPairer(Generic[T]):
    """Takes the frames of all cameras in the order of their arrival, and gives each back once.

    Args:
        sets: Cameras of each run of the model; no camera is in two.
        options: When frames belong together.
    """

    def __init__(self, sets: CameraSets, options: PairingOptions) -> None:
        pairers = [FramePairer[T](len(cameras), options, is_live=False) for cameras in sets]
        self._places = {
            camera: (pairer, source)
            for pairer, cameras in zip(pairers, sets, strict=True)
            for source, camera in enumerate(cameras)
        }

    def add(self, camera: str, frame: T) -> list[Outcome[T]]:
        """The next frame of a camera; what it decides."""
        pairer, source = self._places[camera]
        return pairer.add(source, frame)

    def end(self, camera: str) -> list[Outcome[T]]:
        """A camera has no more frames; what that decides. Once all have ended, nothing is kept."""
        pairer, source = self._places[camera]
        return pairer.end(source)

    def end_all(self) -> list[Outcome[T]]:
        """No camera has any more frames."""
        return [outcome for camera in self._places for outcome in self.end(camera)]


def why_unpaired(
    cameras: Sequence[str], source: int, missing: int | None, nearest_ns: int | None, options: PairingOptions
) -> str:
    """Why a frame is in no set, for people.

    Args:
        cameras: The cameras of its set.
        source: Which of them it is of.
        missing: Of a frame of the first, which one had no frame for it.
        nearest_ns: Stamp of the nearest frame of that camera minus its own; None where none is known.
        options: When frames belong together.
    """
    if source or missing is None:
        return f"no frame of {cameras[0]} took it"
    stands_in = options.incomplete is IncompleteSet.LATEST
    older = f", nor an earlier one of at most {options.stand_in_ns / 1e6:g} ms" if stands_in else ""
    near = "" if nearest_ns is None else f"; the nearest is {nearest_ns / 1e6:+.3f} ms away"
    return f"no frame of {cameras[missing]} within {options.tolerance_ms:g} ms{older}{near}"
