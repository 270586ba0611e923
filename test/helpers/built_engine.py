"""A real engine's layers, and the accounts to hold against them.

`tensorrt_8_6_1_split.json` is what the inspector of TensorRT 8.6.1 on an H200 said of the demo model's engine with
the plan int8_backbone_fp16_head (emitter flags), DETAILED, less the fields that nothing here reads.
"""

from __future__ import annotations

from pathlib import Path

from trt_perception.engine.engine_layer import EngineLayer
from trt_perception.engine.read_layers import read_layers
from trt_perception.precision.account import Account
from trt_perception.precision.calibration_table import CalibrationTable
from trt_perception.precision.model_digest import model_sha256
from trt_perception.precision.precision_plan import PrecisionPlan, load_plan
from trt_perception.precision.quantize import Emitter, quantize, tensors_to_calibrate

ROOT = Path(__file__).resolve().parents[2]
DEMO_MODEL = ROOT / "trt_perception" / "demo" / "model" / "demo_model.onnx"
SPLIT_ENGINE = ROOT / "test" / "engine" / "data" / "tensorrt_8_6_1_split.json"


def split_layers() -> tuple[EngineLayer, ...]:
    """The layers of the engine."""
    return read_layers(SPLIT_ENGINE.read_text(encoding="utf-8"))


def demo_plan(name: str = "int8_backbone_fp16_head") -> PrecisionPlan:
    """A plan that comes with the package."""
    return load_plan(ROOT / "config" / "precision" / f"{name}.yaml")


def demo_account(folder: Path, plan: PrecisionPlan, emitter: Emitter = Emitter.FLAGS) -> Account:
    """What `quantize` says of the demo model with ranges of 1, which change scales but not what is quantized."""
    needed = tensors_to_calibrate(DEMO_MODEL, plan)
    table = CalibrationTable(
        ranges=dict.fromkeys(needed, 1.0) or {"none": 1.0},
        method="max",
        frames=1,
        model_sha256=model_sha256(DEMO_MODEL),
        data_digest="0" * 64,
        preprocess_digest="0" * 64,
    )
    return quantize(DEMO_MODEL, plan, table, emitter=emitter, out=folder / f"{plan.name}_{emitter.value}.onnx")
