"""The table of an engine card that says what the engine was built from, for which GPU, and how."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trt_perception.engine.engine_options import EngineOptions
from trt_perception.engine.manifest import Manifest
from trt_perception.options.json_schema import to_plain
from trt_perception.precision.account import Account
from trt_perception.precision.markdown import markdown_table

_FLAVOURS = {"tensorrt": "TensorRT", "tensorrt_rtx": "TensorRT-RTX"}


def build_facts(manifest: Manifest, account: Account | None = None) -> str:
    """The table.

    Args:
        manifest: What the engine is.
        account: What `quantize` gave; None where it is not known.
    """
    tensorrt = manifest.tensorrt
    rows = [
        ["made", manifest.created],
        ["plan", _plan(manifest)],
        *_sources(manifest, account.calibration if account is not None else {}),
        ["built by", f"{_FLAVOURS.get(tensorrt.flavour, tensorrt.flavour)} {tensorrt.version}"],
        ["GPU", _gpu(manifest)],
        *_clocks(manifest),
        *([["options", _options(manifest.options)]] if manifest.options is not None else []),
        *([f"plugin `{path}`", _digest(digest)] for path, digest in manifest.plugins.items()),
        *_build(manifest),
    ]
    return markdown_table(["what", ""], rows)


def _plan(manifest: Manifest) -> str:
    name, size = Path(manifest.spec.model).name, manifest.plan_bytes / 2**20
    return f"`{name}`, {size:.2f} MiB, {_digest(manifest.plan_sha256)}"


def _sources(manifest: Manifest, calibration: Mapping[str, Any]) -> list[list[str]]:
    rows = []
    if manifest.model_file:
        rows.append(["model", f"`{manifest.model_file}`, {_digest(manifest.model_sha256)}"])
    if manifest.graph_sha256:
        rows.append(["graph", f"emitter {manifest.emitter}, {_digest(manifest.graph_sha256)}"])
    if manifest.calibration_digest:
        facts = [f"`{manifest.calibration_file}`"]
        if calibration:
            facts.append(f"{calibration['frames']} frames, {calibration['method']}")
        rows.append(["calibration", ", ".join([*facts, _digest(manifest.calibration_digest)])])
    return rows


def _gpu(manifest: Manifest) -> str:
    gpu = manifest.gpu
    if not gpu.name:
        return f"any of compute capability {gpu.compute_capability}: built ahead of time, without one"
    facts = [f"compute capability {gpu.compute_capability}"]
    if gpu.memory_mib:
        facts.append(f"{gpu.memory_mib / 1024:.0f} GiB")
    if gpu.driver:
        facts.append(f"driver {gpu.driver}")
    return f"{gpu.name}, {', '.join(facts)}"


def _clocks(manifest: Manifest) -> list[list[str]]:
    gpu = manifest.gpu
    facts = []
    if gpu.power_mode:
        facts.append(f"power mode {gpu.power_mode}")
    if gpu.power_limit_w:
        facts.append(f"limit {gpu.power_limit_w:g} W")
    if gpu.sm_clock_mhz:
        highest = f" of {gpu.max_sm_clock_mhz}" if gpu.max_sm_clock_mhz else ""
        facts.append(f"SM clock {gpu.sm_clock_mhz}{highest} MHz")
    return [["power and clocks while building", ", ".join(facts)]] if facts else []


def _build(manifest: Manifest) -> list[list[str]]:
    rows = []
    if manifest.build is not None:
        rows.append(["build time", f"{manifest.build.seconds:.1f} s, timing cache {manifest.build.timing_cache}"])
    if manifest.key:
        rows.append(["key", _digest(manifest.key)])
    return rows


def _options(options: EngineOptions) -> str:
    """Those that are not as by default."""
    default = to_plain(EngineOptions())
    changed = [f"{key} {_value(value)}" for key, value in to_plain(options).items() if value != default[key]]
    return ", ".join(changed) or "all as by default"


def _value(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_value, value))
    if isinstance(value, dict):  # the profile of one input
        return f"{value['input']} {' / '.join('x'.join(map(str, value[key])) for key in ('min', 'opt', 'max'))}"
    return str(value)


def _digest(text: str) -> str:
    return f"sha256 `{text[:16]}`"
