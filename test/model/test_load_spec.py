"""Loading: from our YAML without the onnx package, or from the ONNX; every mistake named with its place."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import yaml
from helpers.tiny_onnx import make_layout_onnx, make_yolov8_onnx, make_yolox_onnx

from trt_perception.errors import ConfigError, ModelError
from trt_perception.model.load_spec import load_spec
from trt_perception.model.model_overrides import ModelOverrides
from trt_perception.model.model_spec import HeadKind
from trt_perception.model.write_spec import write_spec

YAML = """\
name: nano
model: models/nano.onnx
inputs:
- {name: images, shape: [1, 3, 64, 64], preprocess: {scale: 1e0, channel_order: bgr}}
outputs:
- {name: output, shape: [1, 84, 8]}
heads:
- {name: detection, kind: yolox, outputs: [output], labels: [car, bus, truck]}
"""


def _write(tmp_path: Path, text: str = YAML) -> Path:
    (tmp_path / "models").mkdir(exist_ok=True)
    (tmp_path / "models" / "nano.onnx").write_bytes(b"")
    path = tmp_path / "nano.yaml"
    path.write_text(text)
    return path


def test_reads_yaml_without_the_onnx_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    spec = load_spec(_write(tmp_path))
    assert spec.model == str(tmp_path / "models" / "nano.onnx")
    assert spec.heads[0].labels == ("car", "bus", "truck")
    assert spec.inputs[0].preprocess.scale == 1.0


def test_relative_paths_count_from_the_yaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = YAML.replace("labels: [car, bus, truck]", "labels_file: names/three.txt")
    path = _write(tmp_path, text)
    (tmp_path / "names").mkdir()
    (tmp_path / "names" / "three.txt").write_text("car\nbus\ntruck\n")
    monkeypatch.chdir(tmp_path.parent)
    spec = load_spec(Path(tmp_path.name) / path.name)
    assert spec.model == str(tmp_path / "models" / "nano.onnx")
    assert (spec.heads[0].labels, spec.heads[0].labels_file) == (("car", "bus", "truck"), "")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param(
            "name: nano", "schema: 2\nname: nano\nnew: 1", "schema: expected at most 1, got 2; update", id="newer"
        ),
        pytest.param(
            "name: nano", "schema: 0\nname: nano", "schema: expected a whole number from 1, got 0", id="schema_0"
        ),
        pytest.param("name: nano", "nmae: nano", "unknown key 'nmae'; did you mean 'name'?", id="unknown_key"),
        pytest.param("kind: yolox", "kind: yolo", "heads[0].kind: expected one of 'yolox'", id="unknown_family"),
        pytest.param(
            "scale: 1e0", "scale: x", "inputs[0].preprocess.scale: expected a number, got 'x'", id="wrong_type"
        ),
        pytest.param("shape: [1, 3, 64, 64]", "shape: [3, 64, 64]", "expected four positive sizes", id="three_sizes"),
        pytest.param("models/nano", "models/micro", "model: no file", id="absent_model"),
        pytest.param("models/nano.onnx", '"a\\0b"', "a NUL character", id="nul_in_path"),
        pytest.param("models/nano.onnx", "m" * 5000, "model: no file", id="path_too_long"),
        pytest.param(
            "labels: [car",
            "labels_file: a.txt, labels: [car",
            "expected labels or labels_file, got both",
            id="both_labels",
        ),
        pytest.param("labels: [car, bus, truck]", "labels_file: a.txt", "heads[0].labels_file: ", id="absent_labels"),
        pytest.param(
            "name: nano", "name: nano\nname: micro", ":2:1: the key 'name' stands here and in line 1", id="twice"
        ),
    ],
)
def test_refuses_yaml_with_the_place(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in YAML
    path = _write(tmp_path, YAML.replace(old, new, 1))
    with pytest.raises(ConfigError) as caught:
        load_spec(path)
    assert message in str(caught.value)


def test_an_absent_label_file_is_named(tmp_path: Path) -> None:
    path = _write(tmp_path, YAML.replace("labels: [car, bus, truck]", "labels_file: a.txt"))
    with pytest.raises(ConfigError, match=re.escape(f"{tmp_path / 'a.txt'}: no such label file")):
        load_spec(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param(
            "[car, bus, truck]", "[car, bus]", "expected 3 labels, one for each class of its output, got 2", id="labels"
        ),
        pytest.param("labels: [car, bus, truck]", "mask_size: camera", "expected 3 labels", id="no_labels"),
        pytest.param(
            "outputs: [output]", "outputs: [boxes]", "reads the output boxes, the model has output", id="output"
        ),
        pytest.param("outputs: [output]", "outputs: []", "reads the output (none)", id="no_output"),
        pytest.param("kind: yolox", "kind: yolov8", "head 'detection' as yolov8: expected float", id="family"),
        pytest.param("[1, 84, 8]", "[1, 83, 8]", "with n the cells of 64x64 at strides 8/16/32", id="cells"),
        pytest.param(
            "[1, 84, 8]}", "[1, 84, 8]}\n- {name: output, shape: [1]}", "outputs: 'output' stands 2 times", id="twice"
        ),
        pytest.param("shape: [1, 3, 64, 64]", "shape: [2, 3, 64, 64]", "expected batch 1, got 2", id="batch"),
        pytest.param(
            "shape: [1, 3, 64, 64]", "shape: [1, 64, 64, 3]", "expected 3 channels for layout nchw", id="layout"
        ),
        pytest.param(
            "channel_order: bgr",
            "channel_order: mono",
            "expected 1 channels for layout nchw and channel_order mono",
            id="mono",
        ),
        pytest.param(
            "heads:\n- {name: detection, kind: yolox, outputs: [output], labels: [car, bus, truck]}",
            "heads: []",
            "heads: expected at least one",
            id="no_heads",
        ),
    ],
)
def test_refuses_a_spec_that_contradicts_itself(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in YAML
    path = _write(tmp_path, YAML.replace(old, new, 1))
    with pytest.raises(ModelError) as caught:
        load_spec(path)
    assert message in str(caught.value)


def test_an_onnx_is_recognised(tmp_path: Path) -> None:
    spec = load_spec(make_yolox_onnx(tmp_path / "tiny.onnx"), overrides=ModelOverrides(labels={"": ("a", "b", "c")}))
    assert (spec.name, spec.model) == ("tiny", str(tmp_path / "tiny.onnx"))
    assert (spec.heads[0].kind, spec.heads[0].labels) == (HeadKind.YOLOX, ("a", "b", "c"))


def test_an_onnx_that_cannot_be_used_says_all_that_is_wrong(tmp_path: Path) -> None:
    path = make_layout_onnx(tmp_path / "m.onnx", outputs={"a": (1, 2, 64, 64), "b": (1, 2, 64, 64)})
    with pytest.raises(ModelError, match=r"output 'a' .*also: output 'b'") as caught:
        load_spec(path)
    assert str(caught.value).startswith(str(path))


def test_open_sizes_name_the_option(tmp_path: Path) -> None:
    path = make_yolov8_onnx(tmp_path / "m.onnx", announced=("batch", 3, 64, 64))
    with pytest.raises(ModelError, match=r"expected static sizes, got input 'images' .*--shape images=1x3x64x64"):
        load_spec(path)
    assert load_spec(path, overrides=ModelOverrides(shapes={"images": (1, 3, 64, 64)})).outputs[0].shape == (1, 7, 84)


def test_overrides_are_for_onnx_only(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="stand in this file; change them there"):
        load_spec(_write(tmp_path), overrides=ModelOverrides(name="x"))


def test_a_written_spec_loads_like_the_onnx(tmp_path: Path) -> None:
    spec = load_spec(make_yolox_onnx(tmp_path / "tiny.onnx"))
    write_spec(spec, tmp_path / "tiny.yaml")
    assert load_spec(tmp_path / "tiny.yaml") == spec
    assert yaml.safe_load((tmp_path / "tiny.yaml").read_text())["model"] == "tiny.onnx"
