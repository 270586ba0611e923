"""What `inspect` says, as data, as JSON and as text."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import onnx
import pytest
from helpers.tiny_onnx import make_layout_onnx, make_multi_head_onnx, make_yolov8_onnx, ultralytics_metadata

from trt_perception.errors import ConfigError, ModelError
from trt_perception.model.inspection import inspect_model
from trt_perception.model.load_spec import load_spec
from trt_perception.model.model_overrides import ModelOverrides
from trt_perception.model.render_inspection import render_text

NANO = Path(__file__).resolve().parents[2].parent / "shared" / "models" / "yolox_nano_coco.onnx"


def test_says_what_the_file_is(tmp_path: Path) -> None:
    path = make_multi_head_onnx(tmp_path / "m.onnx", opset=15, metadata={"note": "tiny"})
    inspection = inspect_model(path)
    reference = onnx.load(str(path))
    assert inspection.file_bytes == path.stat().st_size
    assert inspection.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (inspection.opsets, inspection.metadata) == ({"ai.onnx": 15}, {"note": "tiny"})
    assert sum(inspection.operators.values()) == len(reference.graph.node)
    assert inspection.operators["Conv"] == sum(node.op_type == "Conv" for node in reference.graph.node)
    assert [head.spec.name for head in inspection.heads] == ["detection", "segmentation"]
    assert inspection.spec == load_spec(path)


def test_json_holds_all_of_it(tmp_path: Path) -> None:
    path = make_yolov8_onnx(tmp_path / "m.onnx", metadata=ultralytics_metadata())
    plain = json.loads(json.dumps(inspect_model(path).to_plain()))
    assert plain["inputs"] == [{"name": "images", "shape": [1, 3, 64, 64], "dtype": "float32"}]
    assert plain["heads"][0]["spec"]["kind"] == "yolov8"
    assert "84 cells = 8x8 + 4x4 + 2x2; Ultralytics metadata says task=detect" in plain["heads"][0]["reason"]
    assert plain["spec"]["heads"][0]["labels"] == ["thing_0", "thing_1", "thing_2"]
    assert (plain["assumptions"], plain["problems"]) == ([], [])


def test_text_shows_a_usable_model(tmp_path: Path) -> None:
    path = make_multi_head_onnx(tmp_path / "m.onnx", metadata={"long": "x" * 300})
    text = render_text(inspect_model(path))
    assert text.startswith(f"{path}\n")
    for line in (
        "  images  float32 [1,3,64,64]",
        "  detection: yolox, 3 classes (class_0, class_1, class_2)",
        "  segmentation: semantic_logits, 4 classes (class_0, class_1, class_2, class_3)",
        "  input images takes BGR 0 to 255, letterbox_top_left padded with 114",
        "assumed, since nothing in the file says it",
    ):
        assert line in text.splitlines()
    assert "cannot be used" not in text
    assert max(map(len, text.splitlines())) < 250


def test_text_shows_what_is_wrong(tmp_path: Path) -> None:
    path = make_layout_onnx(tmp_path / "m.onnx", outputs={"output0": (1, 300, 6)})
    text = render_text(inspect_model(path))
    assert "heads: none recognised" in text
    assert "cannot be used as it is\n  - output 'output0' float32 [1,300,6]: cannot be told apart: " in text


def test_a_model_with_open_sizes_is_described(tmp_path: Path) -> None:
    path = make_yolov8_onnx(tmp_path / "m.onnx", announced=("batch", 3, "height", "width"))
    inspection = inspect_model(path)
    assert inspection.spec is None
    assert "  images  float32 [batch,3,height,width]" in render_text(inspection)
    given = inspect_model(path, overrides=ModelOverrides(shapes={"images": (1, 3, 64, 64)}))
    assert given.spec is not None


def test_unreadable_files_and_wrong_overrides_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such file"):
        inspect_model(tmp_path / "absent.onnx")
    path = make_yolov8_onnx(tmp_path / "m.onnx")
    with pytest.raises(ConfigError, match="preprocess: unknown key 'x'"):
        inspect_model(path, overrides=ModelOverrides(preprocess={"x": 1}))


@pytest.mark.skipif(not NANO.exists(), reason="../shared/models is not here")
def test_the_real_yolox_nano() -> None:
    inspection = inspect_model(NANO)
    assert inspection.problems == ()
    assert (inspection.producer, inspection.opsets, inspection.metadata) == ("pytorch 1.11.0", {"ai.onnx": 11}, {})
    text = render_text(inspection)
    assert "  detection: yolox, 80 classes (class_0, class_1" in text
    assert "5 + 80 classes over 3549 cells = 52x52 + 26x26 + 13x13" in text
    assert "  input images takes BGR 0 to 255, letterbox_top_left padded with 114" in text
