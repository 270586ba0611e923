"""Puts the frames of recorded cameras together, each set of cameras for itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Generic

from trt_perception.bag.camera_sets import CameraSets
from trt_perception.pairing.frame_pairer import FramePairer
from trt_perception.pairing.paired_set import Outcome, PairedSet, T
from trt_perception.pairing.pairing_options import IncompleteSet, PairingOptions


@dataclass
class _Shared(Generic[T]):
    """A frame of a camera that stands in several sets: how many have yet to end it, and whether one had it."""

    frame: T
    open_sets: int
    is_used: bool = False


class SetPairer(Generic[T]):
    """Takes the frames of all cameras in the order of their arrival, and gives each back once.

    Args:
        sets: Cameras of each run of the model, as `choose_sets` gives them.
        options: When frames belong together.
    """

    def __init__(self, sets: CameraSets, options: PairingOptions) -> None:
        self._places: dict[str, list[tuple[FramePairer[T], int]]] = {}
        for cameras in sets:
            pairer = FramePairer[T](len(cameras), options, is_live=False)
            for source, camera in enumerate(cameras):
                self._places.setdefault(camera, []).append((pairer, source))
        self._shared: dict[int, _Shared[T]] = {}

    def add(self, camera: str, frame: T) -> list[Outcome[T]]:
        """The next frame of a camera; what it decides."""
        places = self._places[camera]
        if len(places) > 1:
            self._shared[id(frame)] = _Shared(frame, len(places))
        return self._once(outcome for pairer, source in places for outcome in pairer.add(source, frame))

    def end(self, camera: str) -> list[Outcome[T]]:
        """A camera has no more frames; what that decides. Once all have ended, nothing is kept."""
        return self._once(outcome for pairer, source in self._places[camera] for outcome in pairer.end(source))

    def end_all(self) -> list[Outcome[T]]:
        """No camera has any more frames."""
        return [outcome for camera in self._places for outcome in self.end(camera)]

    def _once(self, outcomes: Iterable[Outcome[T]]) -> list[Outcome[T]]:
        """The outcomes, in which a frame of several sets is used first by one of them, or unpaired in all of them."""
        found: list[Outcome[T]] = []
        for outcome in outcomes:
            if isinstance(outcome, PairedSet):
                ended = zip(outcome.frames, outcome.is_first_use, strict=True)
                first = tuple(is_first and self._end(frame, is_used=True) for frame, is_first in ended)
                found.append(replace(outcome, is_first_use=first))
            elif self._end(outcome.frame, is_used=False):
                found.append(outcome)
        return found

    def _end(self, frame: T, *, is_used: bool) -> bool:
        """One set has ended a frame; whether it has ended with that."""
        shared = self._shared.get(id(frame))
        if shared is None:
            return True
        shared.open_sets -= 1
        was_used, shared.is_used = shared.is_used, shared.is_used or is_used
        if not shared.open_sets:
            del self._shared[id(frame)]
        return not was_used and (is_used or not shared.open_sets)


def why_unpaired(
    sets: CameraSets, camera: str, missing: int | None, nearest_ns: int | None, options: PairingOptions
) -> str:
    """Why a frame is in no set, for people.

    Args:
        sets: All sets.
        camera: Camera of the frame.
        missing: Of a frame of the first of a set, which camera of the set had no frame for it.
        nearest_ns: Stamp of the nearest frame of that camera minus its own; None where none is known.
        options: When frames belong together.
    """
    own = [cameras for cameras in sets if camera in cameras]
    if missing is None:
        return f"no frame of {' or '.join(cameras[0] for cameras in own)} took it"
    stands_in = options.incomplete is IncompleteSet.LATEST
    older = f", nor an earlier one of at most {options.stand_in_ns / 1e6:g} ms" if stands_in else ""
    near = "" if nearest_ns is None else f"; the nearest is {nearest_ns / 1e6:+.3f} ms away"
    return f"no frame of {own[0][missing]} within {options.tolerance_ms:g} ms{older}{near}"
