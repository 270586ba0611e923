"""What is asked of `make_engine`: one model, one plan, one place."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from trt_perception.engine.engine_options import EngineOptions
from trt_perception.model.model_overrides import ModelOverrides
from trt_perception.precision.precision_plan import PrecisionPlan


@dataclass(frozen=True, kw_only=True)
class EngineRequest:
    """One engine that should be there.

    Args:
        model: The model's YAML, or the ONNX itself.
        out: The engine file; manifest and card lie beside it.
        plan: Precisions of the regions.
        calibration: The ranges that `calibrate` found; None where nothing becomes INT8.
        options: How the engine is built.
        module: Python module of the TensorRT that builds: tensorrt, or tensorrt_rtx_bindings.
        device: Index of the GPU; of no account where the options say ahead_of_time.
        force: Build even where a current engine is there.
        overrides: What to take as given when an ONNX is recognised.
    """

    model: Path
    out: Path
    plan: PrecisionPlan
    calibration: Path | None = None
    options: EngineOptions = field(default_factory=EngineOptions)
    module: str = "tensorrt"
    device: int = 0
    force: bool = False
    overrides: ModelOverrides = field(default_factory=ModelOverrides)
