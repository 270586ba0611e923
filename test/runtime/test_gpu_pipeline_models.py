"""Models of several families whole, from an image to results, on a simulated GPU with ONNX Runtime as its engine."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from helpers.frames import bgr_frame, noise_image
from helpers.gpu_pipeline_rig import MakeRig
from helpers.tiny_detectors import make_yolov5_onnx
from helpers.tiny_onnx import make_multi_head_onnx, make_semantic_onnx, make_yolov8_onnx, make_yolox_onnx

from trt_perception.detections import Detections
from trt_perception.instance_detections import InstanceDetections
from trt_perception.model.load_spec import load_spec
from trt_perception.result import HeadResult
from trt_perception.runtime.onnxruntime_backend import OnnxRuntimeBackend
from trt_perception.runtime.pipeline import Pipeline
from trt_perception.thresholds import Thresholds

MODELS: dict[str, Callable[[Path], Path]] = {
    "yolox": make_yolox_onnx,
    "yolov5": make_yolov5_onnx,
    "yolov8": make_yolov8_onnx,
    "yolov8_seg": partial(make_yolov8_onnx, masks=8),
    "semantic_logits": make_semantic_onnx,
    "semantic_class_ids": partial(make_semantic_onnx, argmax=True),
    "two_heads": make_multi_head_onnx,
}
LOW = Thresholds(score=0.05, max_detections=40)


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS.keys())
def test_a_model_finds_on_the_gpu_what_it_finds_on_the_host(
    make_rig: MakeRig, tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    spec = load_spec(make(tmp_path / "model.onnx"))
    session = onnxruntime.InferenceSession(spec.model, providers=["CPUExecutionProvider"])
    names = [output.name for output in spec.outputs]

    def run(inputs: Any) -> Any:
        return dict(zip(names, session.run(names, {name: value.copy() for name, value in inputs.items()}), strict=True))

    rig = make_rig(order=6, spec=spec, function=run)
    frames = [bgr_frame(noise_image(48, 80, seed=seed)) for seed in range(2)]
    with (
        Pipeline(spec, OnnxRuntimeBackend(spec, threads=1), thresholds=LOW) as host,
        rig.pipeline(thresholds=LOW) as pipeline,
    ):
        for frame in frames:
            expected = host.process([frame]).heads
            got = pipeline.process([frame]).heads
            assert list(got) == list(expected)
            for name in expected:
                assert_like(got[name], expected[name])


def assert_like(got: HeadResult, expected: HeadResult) -> None:
    """The same objects and masks; floats as near as other functions for the exponential bring them."""
    assert type(got) is type(expected)
    np.testing.assert_array_equal(got.class_ids, expected.class_ids)
    if isinstance(expected, Detections) and isinstance(got, Detections):
        assert len(expected)  # nothing found would prove nothing
        np.testing.assert_allclose(got.scores, expected.scores, rtol=0, atol=1e-6)
        np.testing.assert_allclose(got.boxes, expected.boxes, rtol=0, atol=1e-3)
    if isinstance(expected, InstanceDetections) and isinstance(got, InstanceDetections):
        np.testing.assert_array_equal(got.instance_ids, expected.instance_ids)
