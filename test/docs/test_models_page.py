"""docs/models.md: what it lists is what is known, and its recipe makes a model that is recognised and run."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from helpers.tiny_detr_onnx import make_rtdetr_deploy_onnx

from trt_perception.model.model_overrides import ModelOverrides
from trt_perception.model.model_spec import HeadKind
from trt_perception.model.read_onnx import read_onnx
from trt_perception.model.recognise import recognise

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "models.md").read_text()


def test_every_head_has_its_row() -> None:
    assert set(re.findall(r"^\| `(\w+)` \| .*\|$", PAGE.partition("### ")[0], re.MULTILINE)) == {
        kind.value for kind in HeadKind
    }


def test_the_size_becomes_a_constant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_rtdetr_deploy_onnx(tmp_path / "model.onnx")
    (lines,) = re.findall(r"<!-- size recipe -->\n```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(lines, "docs/models.md", "exec"), {})
    made = tmp_path / "model_of_one_input.onnx"
    onnx.checker.check_model(str(made))
    spec = recognise(read_onnx(made), ModelOverrides(labels={"": ("a", "b", "c")})).spec
    assert spec is not None
    assert [head.kind for head in spec.heads] == [HeadKind.RTDETR_DEPLOY]
    image = np.random.default_rng(0).uniform(0, 1, (1, 3, 64, 64)).astype(np.float32)
    size = {"orig_target_sizes": np.array([[64, 64]])}
    boxes = [
        onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(["boxes"], inputs)[0]
        for path, inputs in ((tmp_path / "model.onnx", {"images": image, **size}), (made, {"images": image}))
    ]
    assert np.array_equal(boxes[0], boxes[1])
    assert boxes[0].max() > 10
