"""Faults of stamps and clocks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from bench.soak.fault import SEEN_S, Fault, Times
from bench.soak.status_watch import WARN, CameraState

if TYPE_CHECKING:
    from bench.soak.camera import SoakCamera

SECOND = 10**9

Stamp = Callable[["SoakCamera", int], int]
"""The stamp of a bad frame; the last good frame's is given."""


def _played(counter: str, word: str, stamp: Stamp) -> Callable[[SoakCamera, CameraState], Times]:
    """Up to five frames with bad stamps behind good ones, then good ones."""

    def play(camera: SoakCamera, before: CameraState) -> Times:
        over: list[float | None] = []

        def send() -> Iterator[int]:
            last_ns = camera.send_good()
            for _ in range(camera.random.randint(1, 2)):
                camera.tick()
                stamp_ns = stamp(camera, last_ns)
                camera.send(camera.random.choice(camera.pictures), stamp_ns)
                yield stamp_ns
            over.append(camera.until_answered(5.0))

        def holds(state: CameraState) -> bool:
            return state.count(counter) > before.count(counter) and state.level == WARN and word in state.message

        seen_s = camera.until_noticed(send, holds, within_s=SEEN_S)
        return Times(seen_s=seen_s, over_s=None if None in over else max(filter(None, over)))

    return play


def _set_back(seconds: float) -> Callable[[SoakCamera, CameraState], Times]:
    """The stamps go back and stay there; later they are right again."""

    def play(camera: SoakCamera, before: CameraState) -> Times:
        camera.offset_ns = -round(seconds * SECOND)
        began = time.monotonic()
        over_s = camera.until_answered(5.0)

        def holds(state: CameraState) -> bool:
            return state.count("time_reset") > before.count("time_reset") and "time_reset" in state.message

        state = camera.until(holds, since_s=began, timeout_s=5.0)
        camera.send_for(camera.random.uniform(0.0, 3.0))
        return Times(seen_s=None if state is None else state.came_s - began, over_s=over_s)

    return play


def _jump(camera: SoakCamera, before: CameraState) -> Times:
    """A camera whose clock was 20 s behind is set right."""
    camera.offset_ns = -20 * SECOND
    if camera.until_answered(5.0) is None:
        return Times()
    jumps = camera.fresh_state().count("stamp_jump")
    camera.offset_ns = 0
    began = time.monotonic()
    over_s = camera.until_answered(5.0)

    def holds(state: CameraState) -> bool:
        return state.count("stamp_jump") > jumps and "stamp_jump" in state.message

    state = camera.until(holds, since_s=began, timeout_s=5.0)
    return Times(seen_s=None if state is None else state.came_s - began, over_s=over_s)


STAMP_FAULTS = (
    Fault(name="stamp repeats", play=_played("dropped_duplicate", "duplicate", lambda camera, last_ns: last_ns)),
    Fault(
        name="one stamp goes back",
        play=_played("dropped_late", "late", lambda camera, last_ns: last_ns - camera.random.randint(1, 5 * SECOND)),
    ),
    Fault(name="stamp is zero", play=_played("zero_stamp", "zero_stamp", lambda camera, last_ns: 0)),
    Fault(
        name="stamp lies in the future",
        play=_played(
            "future_stamp",
            "future_stamp",
            lambda camera, last_ns: camera.now_ns() + camera.random.choice((2, 60, 86_400)) * SECOND,
        ),
    ),
    Fault(name="stamps go back and stay there: a bag loops", play=_set_back(30)),
    Fault(name="a camera's clock is set back by an hour", play=_set_back(3600)),
    Fault(name="stamps jump ahead", play=_jump),
)
