"""A calibration table of one random image, made by ONNX Runtime: the largest absolute value of each tensor."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from trt_perception.precision.calibration_table import CalibrationTable
from trt_perception.precision.precision_plan import PrecisionPlan
from trt_perception.precision.quantize import tensors_to_calibrate

Feeds = dict[str, NDArray[Any]]


def session(model: Path | bytes) -> onnxruntime.InferenceSession:
    """ONNX Runtime on one thread, quiet."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    source = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def random_feeds(model: Path, *, seed: int = 0, largest: float = 1.0) -> Feeds:
    """One image for every input."""
    random = np.random.default_rng(seed)
    return {item.name: (random.random(item.shape) * largest).astype(np.float32) for item in session(model).get_inputs()}


def outputs(model: Path, feeds: Feeds) -> list[NDArray[Any]]:
    """What the model makes of the feeds."""
    result: list[NDArray[Any]] = session(model).run(None, feeds)
    return result


def max_table(model: Path, plan: PrecisionPlan, feeds: Feeds) -> CalibrationTable:
    """The ranges that `plan` needs, of these feeds."""
    needed = tensors_to_calibrate(model, plan)
    proto = onnx.load(str(model))
    known = {item.name for item in proto.graph.output} | set(feeds)
    for name in needed:
        if name not in known:
            proto.graph.output.append(onnx.helper.make_empty_tensor_value_info(name))
    inner = [name for name in needed if name not in feeds]
    values = dict(feeds)
    if inner:
        values.update(zip(inner, session(proto.SerializeToString()).run(inner, feeds), strict=True))
    return CalibrationTable(
        ranges={name: float(np.abs(values[name]).max()) for name in needed} or {"none": 1.0},
        method="max",
        frames=1,
        model_sha256=hashlib.sha256(model.read_bytes()).hexdigest(),
        data_digest="0" * 64,
        preprocess_digest="0" * 64,
    )
