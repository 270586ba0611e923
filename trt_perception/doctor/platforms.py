"""Where TensorRT has been run, and how far: the rows of docs/platforms.md into which this machine may fall."""

from __future__ import annotations

import importlib
import platform
from dataclasses import dataclass

from trt_perception.doctor.finding import Finding, Level
from trt_perception.engine.gpu_identity import GpuIdentity, current_gpu
from trt_perception.engine.tensorrt_module import TensorRtIdentity, identify
from trt_perception.errors import PerceptionError

PAGE = "docs/platforms.md"
MODULES = ("tensorrt", "tensorrt_rtx_bindings")


@dataclass(frozen=True, kw_only=True)
class PlatformRow:
    """One row.

    Args:
        flavour: tensorrt or tensorrt_rtx.
        version: Beginning of TensorRT's version.
        gpu: Part of the GPU's name; empty: no GPU was there, or the row does not depend on it.
        state: As the page says it: run, built, parsed and configured, API-checked.
    """

    flavour: str
    version: str
    gpu: str
    state: str


ROWS = (
    PlatformRow(flavour="tensorrt", version="8.6.1", gpu="H200", state="run"),
    PlatformRow(flavour="tensorrt", version="10.15.1", gpu="H200", state="parsed and configured"),
    PlatformRow(flavour="tensorrt_rtx", version="1.7.1", gpu="", state="built"),
    PlatformRow(flavour="tensorrt", version="11.4.0", gpu="", state="API-checked"),
)


def platform_checks() -> list[Finding]:
    """How far what is here has been tried."""
    gpu = _gpu()
    found = [identity for module in MODULES if (identity := _identity(module)) is not None]
    if not found:
        where = f"{platform.machine()}, no TensorRT"
        if platform.machine() == "x86_64":
            return [Finding(subject="platform", level=Level.OK, detail=f"{where}: run, by ONNX Runtime ({PAGE})")]
        return [_untried(where)]
    return [_finding(tensorrt, gpu) for tensorrt in found]


def find_row(tensorrt: TensorRtIdentity, gpu: GpuIdentity | None) -> PlatformRow | None:
    """The row that speaks of this TensorRT on this GPU; None where nothing like it was tried."""
    for row in ROWS:
        fits = tensorrt.flavour == row.flavour and f"{tensorrt.version}.".startswith(f"{row.version}.")
        if fits and (not row.gpu or (gpu is not None and row.gpu in gpu.name)):
            return row
    return None


def _finding(tensorrt: TensorRtIdentity, gpu: GpuIdentity | None) -> Finding:
    where = f"{tensorrt} on {gpu.name if gpu is not None else 'no GPU'}, {platform.machine()}"
    row = find_row(tensorrt, gpu)
    if row is None or platform.machine() != "x86_64":
        return _untried(where)
    level = Level.OK if row.state == "run" else Level.WARNING
    remedy = "" if row.state == "run" else f"{PAGE} says how far that goes"
    return Finding(subject="platform", level=level, detail=f"{where}: {row.state}", remedy=remedy)


def _untried(where: str) -> Finding:
    return Finding(
        subject="platform",
        level=Level.WARNING,
        detail=f"{where}: never tried",
        remedy=f"it may work all the same; {PAGE} says what was run, `trt-perception judge` what an engine is worth",
    )


def _identity(module: str) -> TensorRtIdentity | None:
    try:
        return identify(importlib.import_module(module))
    # A broken binary package raises whatever its loader raises; what is broken stands in a line of its own.
    except Exception:
        return None


def _gpu() -> GpuIdentity | None:
    try:
        return current_gpu()
    except PerceptionError:
        return None
