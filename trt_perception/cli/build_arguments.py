"""The arguments of `build`, and the options of the builder that they add up to."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterable
from pathlib import Path

from trt_perception.engine.engine_options import EngineOptions, ShapeProfile
from trt_perception.errors import InputError
from trt_perception.model.paths import absolute
from trt_perception.options.from_mapping import from_mapping
from trt_perception.options.read_yaml import read_yaml
from trt_perception.precision.named_plan import DEFAULT_PLAN

_NUMBERS = {
    "workspace": ("workspace_mib", "MIB", "scratch memory that the builder may use"),
    "optimization-level": ("optimization_level", "N", "how long to search for fast kernels, 0 to 5"),
    "dla-core": ("dla_core", "N", "DLA core to use, with the GPU for what it cannot do"),
}
_SWITCHES = {
    "tf32": "let FP32 layers round to TF32",
    "version-compatible": "let later versions of TensorRT load the engine",
    "hardware-compatible": "let every GPU from Ampere on load the engine",
    "strip-plan": "leave the weights out of the plan",
    "sparsity": "use kernels for 2:4 sparse weights",
}
OF_ONE_MODEL = ("plan", "calibration", "out", "adopt", "options", "timing_cache", "profile", "plugin", "ahead_of_time",
                "head", "labels", "shape", "preprocess", *(name for name, *_ in _NUMBERS.values()),
                *(switch.replace("-", "_") for switch in _SWITCHES))  # fmt: skip
"""Arguments, as argparse calls them, that a config says for each of its models."""


def add_build_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare all but the model and the config."""
    parser.add_argument(
        "--plan",
        metavar="NAME|YAML",
        help=f"a precision plan: a YAML, or int8_backbone_fp16_head, int8, fp16 or fp32 (default: {DEFAULT_PLAN})",
    )
    parser.add_argument("--calibration", type=Path, metavar="JSON", help="the ranges that `calibrate` found")
    parser.add_argument("--out", type=Path, metavar="ENGINE", help="the engine (default: beside the ONNX, by its name)")
    parser.add_argument("--module", default="tensorrt", help="Python module of the TensorRT (default: tensorrt)")
    parser.add_argument("--device", type=int, default=0, metavar="N", help="index of the GPU (default: 0)")
    parser.add_argument("--force", action="store_true", help="build even where a current engine is there")
    parser.add_argument(
        "--adopt",
        type=Path,
        nargs="?",
        const=Path(),
        metavar="PLAN",
        help="build nothing: write the manifest of this plan, e.g. by trtexec (default: the file at --out)",
    )
    parser.add_argument("--sign", type=Path, metavar="KEY", help="sign with this private key (ed25519, PEM)")
    parser.add_argument("--json", action="store_true", help="print what was made as JSON")
    _add_options(parser.add_argument_group("how it is built"))
    given = parser.add_argument_group("what an ONNX does not say (each may be given several times)")
    given.add_argument("--head", action="append", default=[], metavar="[OUTPUT=]KIND", help="family of a head")
    given.add_argument("--labels", action="append", default=[], metavar="[OUTPUT=]FILE", help="names of the classes")
    given.add_argument("--shape", action="append", default=[], metavar="INPUT=SIZES", help="static shape of an input")
    given.add_argument("--preprocess", action="append", default=[], metavar="FIELD=VALUE", help="e.g. scale=1.0")


def _add_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--options", type=Path, metavar="YAML", help="options of the builder; what follows goes first")
    for name, (field, unit, text) in _NUMBERS.items():
        group.add_argument(f"--{name}", dest=field, type=int, metavar=unit, help=text)
    group.add_argument("--timing-cache", metavar="FILE", help="measured kernel times: read, and written afterwards")
    group.add_argument(
        "--profile",
        action="append",
        default=[],
        metavar="INPUT=MIN,OPT,MAX",
        help="shapes of an input of open size, e.g. images=1x3x640x640,4x3x640x640,16x3x640x640",
    )
    group.add_argument("--plugin", action="append", default=[], metavar="FILE", help="a plugin library to load")
    group.add_argument(
        "--ahead-of-time",
        metavar="SM",
        help="build for a GPU that need not be here, e.g. SM89; TensorRT-RTX offers it",
    )
    for name, text in _SWITCHES.items():
        group.add_argument(f"--{name}", action="store_true", help=text)


def engine_options(arguments: argparse.Namespace) -> EngineOptions:
    """The YAML, with what the other arguments say in its place.

    Raises:
        InputError: The YAML is wrong, or a value is.
    """
    base = EngineOptions()
    if arguments.options is not None:
        base = _with_paths(from_mapping(EngineOptions, read_yaml(arguments.options), where=arguments.options.name),
                           arguments.options.absolute().parent)  # fmt: skip
    given: dict[str, object] = {
        field: getattr(arguments, field) for field, *_ in _NUMBERS.values() if getattr(arguments, field) is not None
    }
    given |= {field: True for field in (name.replace("-", "_") for name in _SWITCHES) if getattr(arguments, field)}
    if arguments.timing_cache is not None:
        given["timing_cache"] = str(absolute(arguments.timing_cache))
    if arguments.plugin:
        given["plugins"] = [str(absolute(path)) for path in arguments.plugin]
    if arguments.ahead_of_time is not None:
        given["ahead_of_time"] = arguments.ahead_of_time
    checked = from_mapping(EngineOptions, given, where="build")
    changes = {field: getattr(checked, field) for field in given}
    if arguments.profile:
        changes["profiles"] = parse_profiles(arguments.profile)
    return dataclasses.replace(base, **changes)


def parse_profiles(texts: Iterable[str]) -> tuple[ShapeProfile, ...]:
    """Profiles as they stand on a command line: `INPUT=MIN,OPT,MAX` of sizes with x between.

    Raises:
        InputError: A text of another form.
    """
    return tuple(_parse_profile(text) for text in texts)


def _parse_profile(text: str) -> ShapeProfile:
    name, _, shapes = text.rpartition("=")
    try:
        low, best, high = (tuple(int(size) for size in shape.split("x")) for shape in shapes.split(","))
    except ValueError:
        raise InputError(
            f"--profile: expected INPUT=MIN,OPT,MAX such as images=1x3x640x640,4x3x640x640,8x3x640x640, got {text!r}"
        ) from None
    return ShapeProfile(input=name, min=low, opt=best, max=high)


def _with_paths(options: EngineOptions, folder: Path) -> EngineOptions:
    """With paths counted from the YAML's folder, as in a config."""
    cache = str(absolute(options.timing_cache, folder=folder)) if options.timing_cache else ""
    plugins = tuple(str(absolute(path, folder=folder)) for path in options.plugins)
    return dataclasses.replace(options, timing_cache=cache, plugins=plugins)
