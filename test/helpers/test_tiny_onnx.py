"""The tiny models are what they say: they run, have the announced shapes, and are the same each time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from helpers.tiny_onnx import make_multi_head_onnx, make_semantic_onnx, make_yolov8_onnx, make_yolox_onnx

MODELS = [
    pytest.param(make_yolox_onnx, {}, [(1, 84, 8)], id="yolox"),
    pytest.param(make_yolox_onnx, {"size": (32, 64), "classes": 1, "opset": 11}, [(1, 42, 6)], id="yolox_opset_11"),
    pytest.param(make_yolox_onnx, {"decoded": True}, [(1, 84, 8)], id="yolox_decoded"),
    pytest.param(make_yolox_onnx, {"decoded": True, "scatter": True}, [(1, 84, 8)], id="yolox_scatter"),
    pytest.param(make_yolov8_onnx, {"size": (32, 64)}, [(1, 7, 42)], id="yolov8"),
    pytest.param(make_semantic_onnx, {"size": (32, 64), "stride": 8}, [(1, 4, 4, 8)], id="semantic_logits"),
    pytest.param(make_semantic_onnx, {"argmax": True}, [(1, 16, 16)], id="semantic_class_ids"),
    pytest.param(make_semantic_onnx, {"argmax": True, "keepdims": True}, [(1, 1, 16, 16)], id="semantic_keepdims"),
    pytest.param(make_multi_head_onnx, {}, [(1, 84, 8), (1, 4, 16, 16)], id="multi_head"),
]


def _run(path: Path) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    source = session.get_inputs()[0]
    image = np.random.default_rng(1).uniform(0, 255, source.shape).astype(np.float32)
    return session.run(None, {source.name: image})


@pytest.mark.parametrize(("make", "arguments", "shapes"), MODELS)
def test_tiny_model_runs_and_is_the_same_each_time(
    tmp_path: Path, make: Callable[..., Path], arguments: dict[str, object], shapes: list[tuple[int, ...]]
) -> None:
    first, second = make(tmp_path / "a.onnx", **arguments), make(tmp_path / "b.onnx", **arguments)
    assert first.read_bytes() == second.read_bytes()
    outputs = _run(first)
    assert [output.shape for output in outputs] == shapes
    assert all(np.isfinite(output).all() for output in outputs)


def test_the_two_ways_to_decode_agree_with_numpy(tmp_path: Path) -> None:
    raw = _run(make_yolox_onnx(tmp_path / "raw.onnx"))[0][0]
    ways = [
        _run(make_yolox_onnx(tmp_path / f"{scatter}.onnx", decoded=True, scatter=scatter))[0][0]
        for scatter in (False, True)
    ]
    cells = [(x, y, stride) for stride in (8, 16, 32) for y in range(64 // stride) for x in range(64 // stride)]
    for decoded in ways:
        for row, (x, y, stride) in enumerate(cells):
            expected = [*((raw[row, :2] + (x, y)) * stride), *(np.exp(raw[row, 2:4]) * stride), *raw[row, 4:]]
            np.testing.assert_allclose(decoded[row], expected, rtol=1e-4)
