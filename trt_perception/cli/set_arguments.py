"""The arguments of every verb that runs models of several inputs."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from trt_perception.errors import InputError
from trt_perception.options.from_mapping import from_mapping
from trt_perception.pairing.pairing_options import IncompleteSet, PairingOptions

if TYPE_CHECKING:
    from trt_perception.bag.camera_sets import CameraSets


def add_set_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sets and how their frames are paired."""
    default = PairingOptions()
    group = parser.add_argument_group("models of several inputs")
    group.add_argument(
        "--set",
        action="append",
        default=[],
        dest="sets",
        metavar="CAMERA,CAMERA",
        help="the cameras of one run of the model, in the order of its inputs; results are of the first (may be given "
        "several times; default: as the names tell, front with front_thermal for an input thermal)",
    )
    group.add_argument(
        "--tolerance-ms",
        type=float,
        default=default.tolerance_ms,
        help=f"most that a stamp may differ from the first camera's (default: {default.tolerance_ms:g})",
    )
    group.add_argument(
        "--incomplete",
        choices=[kind.value for kind in IncompleteSet],
        default=default.incomplete.value,
        help="a frame without a partner is skipped (drop, the default), or an earlier frame stands in (latest)",
    )
    group.add_argument(
        "--deadline-ms",
        type=float,
        default=default.deadline_ms,
        help=f"with --incomplete latest: how old that may be, or the tolerance (default: {default.deadline_ms:g})",
    )


def sets_of(arguments: argparse.Namespace) -> CameraSets:
    """The sets that were given.

    Raises:
        InputError: One has an empty name.
    """
    sets = tuple(tuple(name.strip() for name in text.split(",")) for text in arguments.sets)
    for text, names in zip(arguments.sets, sets, strict=True):
        if not all(names):
            raise InputError(f"--set {text!r}: expected names of cameras with commas between, e.g. front,front_thermal")
    return sets


def pairing_of(arguments: argparse.Namespace) -> PairingOptions:
    """How frames are paired.

    Raises:
        ConfigError: A number is out of its range.
    """
    content = {
        "tolerance_ms": arguments.tolerance_ms,
        "deadline_ms": arguments.deadline_ms,
        "incomplete": arguments.incomplete,
    }
    return from_mapping(PairingOptions, content, where="pairing")
