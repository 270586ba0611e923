"""In what an engine differs from where it is to run, and from the files that it was made of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trt_perception.engine.engine_files import EngineFiles
from trt_perception.engine.gpu_identity import GpuIdentity
from trt_perception.engine.manifest import Manifest
from trt_perception.engine.tensorrt_module import TensorRtIdentity
from trt_perception.errors import PerceptionError
from trt_perception.model.model_spec import ModelSpec
from trt_perception.model.paths import absolute, is_file
from trt_perception.options.json_schema import to_plain
from trt_perception.precision.calibration_table import read_table
from trt_perception.precision.model_digest import file_sha256

_AMPERE = 8
"""Lowest major compute capability of a hardware-compatible plan (kAMPERE_PLUS)."""


@dataclass(frozen=True, kw_only=True)
class Mismatch:
    """One thing that differs.

    Args:
        what: Its name, e.g. `GPU`.
        expected: As the manifest has it.
        got: As it is here.
    """

    what: str
    expected: str
    got: str


def mismatches(
    manifest: Manifest,
    files: EngineFiles,
    *,
    tensorrt: TensorRtIdentity,
    gpu: GpuIdentity,
    spec: ModelSpec | None,
) -> Iterator[Mismatch]:
    """Everything that differs, in the order in which it is best mended.

    The ONNX and the calibration table are looked at where they are present; where an engine is deployed alone they are
    not. Which TensorRT and which GPU a plan fits: https://docs.nvidia.com/deeplearning/tensorrt/latest/, "Engine
    Compatibility".

    Args:
        manifest: The engine's.
        files: Where it lies.
        tensorrt: What is to load it.
        gpu: What it is to run on.
        spec: The model as the settings describe it; None where the manifest alone says what it is.
    """
    if not _tensorrt_fits(manifest, tensorrt):
        expected = str(manifest.tensorrt)
        if _is_version_compatible(manifest):
            expected += " or a newer one of the same major version"
        yield Mismatch(what="TensorRT", expected=expected, got=str(tensorrt))
    if not _gpu_fits(manifest, gpu):
        expected = str(manifest.gpu)
        if _is_hardware_compatible(manifest):
            expected += f" or another one of compute capability {_AMPERE}.0 and above"
        yield Mismatch(what="GPU", expected=expected, got=str(gpu))
    yield from _changed_plugins(manifest, files.engine.parent)
    yield from _changed_model(manifest, files.engine, spec)
    yield from _changed_calibration(manifest, files.engine.parent)
    if spec is not None:
        yield from _changed_spec(manifest, spec)


def gpu_warnings(manifest: Manifest, gpu: GpuIdentity) -> Iterator[str]:
    """What lets an engine run, but not as fast as was measured."""
    built = manifest.gpu
    if built.power_mode != gpu.power_mode:
        yield f"built in power mode {built.power_mode or 'unknown'}, runs in {gpu.power_mode or 'unknown'}"
    limits = (built.power_limit_w, gpu.power_limit_w)
    if built.name == gpu.name and limits[0] is not None and limits[1] is not None and abs(limits[0] - limits[1]) > 1:
        yield f"built with a power limit of {limits[0]:g} W, runs with {limits[1]:g} W"


def _is_version_compatible(manifest: Manifest) -> bool:
    return manifest.options is not None and manifest.options.version_compatible


def _is_hardware_compatible(manifest: Manifest) -> bool:
    return manifest.options is not None and manifest.options.hardware_compatible


def _tensorrt_fits(manifest: Manifest, here: TensorRtIdentity) -> bool:
    built = manifest.tensorrt
    if built == here:
        return True
    if built.flavour != here.flavour or not _is_version_compatible(manifest):
        return False
    old, new = _numbers(built.version), _numbers(here.version)
    return bool(old) and old[:1] == new[:1] and new >= old


def _numbers(version: str) -> list[int]:
    return [int(number[:9]) for number in re.findall(r"\d+", version)]


def _gpu_fits(manifest: Manifest, here: GpuIdentity) -> bool:
    built = manifest.gpu
    if built.compute_capability == here.compute_capability and built.name in ("", here.name):
        return True
    lowest = min(built.compute_capability_numbers[0], here.compute_capability_numbers[0])
    return _is_hardware_compatible(manifest) and lowest >= _AMPERE


def _changed_plugins(manifest: Manifest, folder: Path) -> Iterator[Mismatch]:
    for name, digest in manifest.plugins.items():
        yield from _changed_file(folder / name, digest, what="plugin library")


def _changed_model(manifest: Manifest, engine: Path, spec: ModelSpec | None) -> Iterator[Mismatch]:
    if not manifest.model_files:  # an adopted plan, whose ONNX was not there
        return
    places = []
    if manifest.model_file:
        places.append(engine.parent / manifest.model_file)
    if spec is not None:
        places.append(Path(spec.model))
    for place in dict.fromkeys(absolute(place) for place in places):
        if place == engine or not is_file(place):
            continue
        (_, own), *weights = manifest.model_files.items()
        yield from _changed_file(place, own, what="model")
        for name, digest in weights:
            yield from _changed_file(place.parent / name, digest, what="weights of the model")


def _changed_file(path: Path, digest: str, *, what: str) -> Iterator[Mismatch]:
    if not is_file(path):
        yield Mismatch(what=what, expected=str(path), got="no such file")
        return
    found = file_sha256(path)
    if found != digest:
        yield Mismatch(what=f"{what} {path}", expected=f"sha256 {digest[:16]}", got=f"{found[:16]}: it was changed")


def _changed_calibration(manifest: Manifest, folder: Path) -> Iterator[Mismatch]:
    path = folder / manifest.calibration_file
    if not manifest.calibration_file or not is_file(path):
        return
    try:
        found = read_table(path).digest
    except PerceptionError as error:
        yield Mismatch(what=f"calibration {path}", expected="the table it was built with", got=f"none ({error})")
        return
    if found != manifest.calibration_digest:
        expected = f"digest {manifest.calibration_digest[:16]}"
        yield Mismatch(what=f"calibration {path}", expected=expected, got=f"{found[:16]}: it was changed")


def _changed_spec(manifest: Manifest, given: ModelSpec) -> Iterator[Mismatch]:
    """The first difference in each of inputs, outputs and heads; name and place of the model may differ.

    Where the engine leaves sizes open, so may the shapes: whether its profiles take them is TensorRT's to say.
    """
    has_open_sizes = manifest.options is None or bool(manifest.options.profiles)
    for part in ("inputs", "outputs", "heads"):
        built, asked = (to_plain(getattr(spec, part)) for spec in (manifest.spec, given))
        if has_open_sizes:
            built, asked = ([_without_shape(item) for item in items] for items in (built, asked))
        difference = _difference(built, asked, part)
        if difference is not None:
            yield difference


def _without_shape(item: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in item.items() if key != "shape"}


def _difference(built: Any, given: Any, where: str) -> Mismatch | None:
    if isinstance(built, list) and isinstance(given, list) and len(built) == len(given):
        pairs = [(f"{where}[{index}]", *pair) for index, pair in enumerate(zip(built, given, strict=True))]
    elif isinstance(built, Mapping) and isinstance(given, Mapping):
        pairs = [(f"{where}.{key}", built.get(key), given.get(key)) for key in built]
    else:
        return None if built == given else Mismatch(what=where, expected=_shown(built), got=_shown(given))
    differences = (_difference(old, new, place) for place, old, new in pairs)
    return next((item for item in differences if item is not None), None)


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return f"{len(value)} values"
    return f"{value!r:.60}"
