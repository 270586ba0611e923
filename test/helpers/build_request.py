"""A model with its calibration, and requests to build it ahead of time with TensorRT-RTX, which needs no GPU."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from helpers.demo_network_onnx import make_demo_network_onnx
from helpers.max_ranges import max_table, random_feeds
from trt_perception.engine.engine_options import EngineOptions
from trt_perception.engine.engine_request import EngineRequest
from trt_perception.precision.calibration_table import write_table
from trt_perception.precision.named_plan import named_plan

RTX = "tensorrt_rtx_bindings"
CAPABILITY = "SM89"


def make_request(folder: Path, *, plan: str = "int8_backbone_fp16_head") -> EngineRequest:
    """The demo network, small, in `folder`."""
    model = make_demo_network_onnx(folder / "net.onnx")
    return EngineRequest(
        model=model,
        out=folder / "net.engine",
        plan=named_plan(plan),
        calibration=calibrate(model, folder / "net.calibration.json"),
        options=EngineOptions(ahead_of_time=CAPABILITY),
        module=RTX,
    )


def calibrate(model: Path, table: Path, *, factor: float = 1.0) -> Path:
    """Ranges of one random image, times a factor."""
    ranges = max_table(model, named_plan("int8_backbone_fp16_head"), random_feeds(model))
    scaled = {name: factor * value for name, value in ranges.ranges.items()}
    write_table(dataclasses.replace(ranges, ranges=scaled), table)
    return table
