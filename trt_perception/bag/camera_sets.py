"""Which cameras are the inputs of a model that has several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from trt_perception.errors import InputError

CameraSets = tuple[tuple[str, ...], ...]
"""Cameras of each run of the model, in the order of its inputs; results refer to the first of each."""


def choose_sets(
    model: str, inputs: Sequence[str], cameras: Collection[str], given: CameraSets = (), *, where: object
) -> CameraSets:
    """The sets that were given, or those that the cameras' names tell.

    Names tell a set where beside a camera there is one for each other input of the model, called after both: beside
    ``front`` a ``front_thermal`` for the input ``thermal``.

    Args:
        model: Name of the model.
        inputs: Names of its inputs, two or more.
        cameras: Cameras that there are.
        given: Sets that were asked for. Default: none.
        where: What has the cameras, for the error's text.

    Raises:
        InputError: A set has another number of cameras than the model inputs, a camera is unknown or twice in a set,
            the first of a set is in another, or no set was given and the names tell none; says what to give.
    """
    for cameras_of_set in given:
        if len(cameras_of_set) != len(inputs):
            raise InputError(
                f"--set {','.join(cameras_of_set)}: model {model} has {len(inputs)} inputs ({', '.join(inputs)}), got "
                f"{len(cameras_of_set)} cameras; name one for each, in this order, e.g. {_example(inputs, cameras)}"
            )
        if missing := [camera for camera in cameras_of_set if camera not in cameras]:
            raise InputError(
                f"--set {','.join(cameras_of_set)}: no camera {', '.join(missing)} in {where}; it has "
                f"{', '.join(sorted(cameras)) or 'none'}"
            )
        if len(set(cameras_of_set)) < len(cameras_of_set):
            raise InputError(f"--set {','.join(cameras_of_set)}: expected every camera once")
    firsts = Counter(cameras_of_set[0] for cameras_of_set in given)
    for camera in firsts:
        if firsts[camera] > 1 or any(camera in cameras_of_set[1:] for cameras_of_set in given):
            raise InputError(
                f"--set: camera {camera} is the first of a set, to which results refer, and so in no other set; leave "
                "one of them out"
            )
    sets = given or _told_by_names(inputs, cameras)
    if not sets:
        raise InputError(
            f"model {model} has {len(inputs)} inputs ({', '.join(inputs)}), and the names of the cameras of {where} "
            f"({', '.join(sorted(cameras)) or 'none'}) do not tell which belong together; say it, in the order of the "
            f"inputs, once for each set: {_example(inputs, cameras)}"
        )
    return sets


def _told_by_names(inputs: Sequence[str], cameras: Collection[str]) -> CameraSets:
    sets: list[tuple[str, ...]] = []
    taken: set[str] = set()
    for camera in sorted(cameras):
        found = (camera, *(f"{camera}_{name}" for name in inputs[1:]))
        if all(name in cameras and name not in taken for name in found):
            sets.append(found)
            taken.update(found)
    return tuple(sets)


def _example(inputs: Sequence[str], cameras: Collection[str]) -> str:
    """What could be typed: cameras whose names begin alike where there are such, else names that say what is meant."""
    if told := _told_by_names(inputs, cameras):
        return f"--set {','.join(told[0])}"
    for first in sorted(cameras):
        others = [camera for camera in sorted(cameras) if camera.startswith(f"{first}_")]
        if len(others) >= len(inputs) - 1:
            return f"--set {','.join([first, *others[: len(inputs) - 1]])}"
    some = sorted(cameras)[: len(inputs)]
    return f"--set {','.join(some if len(some) == len(inputs) else ['FIRST', *(f'FIRST_{n}' for n in inputs[1:])])}"
