"""Which engine a model runs on, and how that engine is built."""

from __future__ import annotations

from dataclasses import dataclass

from trt_perception.engine.engine_options import EngineOptions
from trt_perception.options.option import option
from trt_perception.precision.named_plan import DEFAULT_PLAN


@dataclass(frozen=True, kw_only=True)
class EngineSettings:
    """The TensorRT engine of one model; the onnxruntime backend has no use for it. Paths are relative to the config."""

    file: str = option("", description="The engine file. Empty: beside the ONNX, with its name and `.engine`.")
    plan: str = option(
        DEFAULT_PLAN, description="Precision plan: `int8_backbone_fp16_head`, `int8`, `fp16`, `fp32`, or a YAML."
    )
    calibration: str = option(
        "", description="Ranges that `trt-perception calibrate` found; needed where the plan has INT8."
    )
    builder: EngineOptions = option(EngineOptions(), description="How the engine is built.")
    strict: bool = option(
        False, description="Whether an engine that other users of the machine may write is refused, not only warned of."
    )
    public_key: str = option(
        "", description="Public key (ed25519, PEM) that the engine must be signed with. Empty: it need not be."
    )
