"""Reading an ONNX file: what is kept, and what is refused with a word on what it is instead."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from helpers.tiny_onnx import make_multi_head_onnx, make_semantic_onnx, make_yolov8_onnx, make_yolox_onnx
from onnx import TensorProto, helper, numpy_helper

from trt_perception.errors import ConfigError, MissingError, ModelError
from trt_perception.model.read_onnx import read_onnx
from trt_perception.model.recognise import recognise

OPEN = ("batch", 3, "height", "width")


def test_keeps_what_onnx_itself_says(tmp_path: Path) -> None:
    path = make_multi_head_onnx(tmp_path / "m.onnx", opset=13, metadata={"stride": "32"})
    reference = onnx.load(str(path))
    model = read_onnx(path)
    assert model.path == path
    assert (model.opsets, model.producer, model.metadata) == ({"ai.onnx": 13}, "pytorch", {"stride": "32"})
    assert [node.op_type for node in model.nodes] == [node.op_type for node in reference.graph.node]
    assert [(tensor.name, tensor.sizes, tensor.dtype) for tensor in (*model.inputs, *model.outputs)] == [
        ("images", (1, 3, 64, 64), "float32"),
        ("detections", (1, 84, 8), "float32"),
        ("segmentation", (1, 4, 16, 16), "float32"),
    ]
    weights = [numpy_helper.to_array(tensor) for tensor in reference.graph.initializer]
    assert model.parameters == sum(weight.size for weight in weights)
    assert sum(model.weights.values()) == sum(weight.nbytes for weight in weights)


def test_symbolic_sizes_keep_their_names(tmp_path: Path) -> None:
    model = read_onnx(make_yolox_onnx(tmp_path / "m.onnx", announced=OPEN))
    assert model.inputs[0].shape == OPEN
    assert model.inputs[0].sizes is None
    assert str(model.inputs[0]) == "'images' float32 [batch,3,height,width]"


def test_a_given_shape_settles_the_outputs(tmp_path: Path) -> None:
    path = make_yolox_onnx(tmp_path / "m.onnx", announced=OPEN, size=(64, 96))
    model = read_onnx(path, shapes={"images": (1, 3, 64, 96)})
    assert model.inputs[0].sizes == (1, 3, 64, 96)
    assert model.outputs[0].sizes == (1, 126, 8)


def test_a_shape_can_be_given_for_an_output(tmp_path: Path) -> None:
    path = make_yolox_onnx(tmp_path / "m.onnx", announced=OPEN)
    assert read_onnx(path, shapes={"output": (1, 84, 8)}).outputs[0].sizes == (1, 84, 8)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        pytest.param({"image": (1, 3, 64, 64)}, "given for 'image'; inputs and outputs are images, output", id="name"),
        pytest.param({"images": (1, 4, 64, 64)}, r"the model has \['batch', 3, 'height', 'width'\]", id="fixed_size"),
        pytest.param({"images": (3, 64, 64)}, r"\[3, 64, 64\] was given for 'images'", id="rank"),
    ],
)
def test_refuses_a_shape_that_does_not_fit(tmp_path: Path, shapes: dict[str, tuple[int, ...]], message: str) -> None:
    path = make_yolox_onnx(tmp_path / "m.onnx", announced=OPEN)
    with pytest.raises(ModelError, match=message):
        read_onnx(path, shapes=shapes)


@pytest.mark.parametrize(
    ("text", "size"),
    [("20", 20), ("batch", "batch"), ("0", "0"), ("-1", "-1"), ("2x", "2x"), ("123456789", "123456789"), ("²", "²")],
    ids=["number", "name", "zero", "below_zero", "begins_so", "too_large", "superscript"],
)
def test_a_size_that_is_written_as_a_text(tmp_path: Path, text: str, size: int | str) -> None:
    path = make_yolox_onnx(tmp_path / "m.onnx", announced=(text, 3, 64, 64))
    assert read_onnx(path).inputs[0].shape == (size, 3, 64, 64)


def test_external_weights_are_counted_and_not_read(tmp_path: Path) -> None:
    path = make_semantic_onnx(tmp_path / "m.onnx")
    whole = read_onnx(path)
    onnx.save(onnx.load(str(path)), str(path), save_as_external_data=True, location="m.bin", size_threshold=0)
    (tmp_path / "m.bin").unlink()
    model = read_onnx(path)
    assert model.external_files == ("m.bin",)
    assert model.weights == whole.weights
    assert model.outputs == whole.outputs


def test_weights_listed_as_inputs_are_no_inputs(tmp_path: Path) -> None:
    path = make_semantic_onnx(tmp_path / "m.onnx")
    model = onnx.load(str(path))
    for tensor in model.graph.initializer:  # as IR version 3 wanted it
        model.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    onnx.save(model, str(path))
    assert [tensor.name for tensor in read_onnx(path).inputs] == ["input"]


def test_an_unknown_operator_leaves_the_announced_shapes(tmp_path: Path) -> None:
    nodes = [helper.make_node("Plugin", ["images"], ["out"], domain="vendor")]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 3, 8, 8)) for name in ("images", "out")]
    model = helper.make_model(helper.make_graph(nodes, "g", values[:1], values[1:]))
    model.opset_import.add(domain="vendor", version=1)
    onnx.save(model, str(tmp_path / "m.onnx"))
    assert read_onnx(tmp_path / "m.onnx").outputs[0].sizes == (1, 3, 8, 8)


def test_an_output_that_is_no_tensor_is_described(tmp_path: Path) -> None:
    nodes = [helper.make_node("SequenceConstruct", ["images"], ["out"])]
    image = helper.make_tensor_value_info("images", TensorProto.FLOAT, (1, 3, 8, 8))
    out = helper.make_tensor_sequence_value_info("out", TensorProto.FLOAT, None)
    onnx.save(helper.make_model(helper.make_graph(nodes, "g", [image], [out])), str(tmp_path / "m.onnx"))
    output = read_onnx(tmp_path / "m.onnx").outputs[0]
    assert (output.dtype, output.shape) == ("sequence", None)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "without nodes or outputs", id="empty"),
        pytest.param(b"ftrt\x00\x00", "got a TensorRT plan; give the ONNX", id="plan"),
        pytest.param(b"PK\x03\x04abc", "got a zip archive, such as a PyTorch checkpoint; export", id="checkpoint"),
        pytest.param(b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer; run: git lfs pull", id="lfs"),
        pytest.param(b"\x1c\x00\x00\x00TFL3", "got a TFLite model", id="tflite"),
        pytest.param(b"<!DOCTYPE html><html>not found", "does not parse", id="html"),
        pytest.param(bytes(range(256)), "does not parse", id="noise"),
    ],
)
def test_refuses_what_is_no_onnx(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=message) as caught:
        read_onnx(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.99])
def test_refuses_a_truncated_file(tmp_path: Path, kept: float) -> None:
    path = make_yolox_onnx(tmp_path / "m.onnx")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(ModelError, match=r"cut short|without nodes"):
        read_onnx(path)


@pytest.mark.parametrize(
    "make", [make_yolox_onnx, make_yolov8_onnx, make_semantic_onnx], ids=lambda make: make.__name__
)
def test_flipped_bytes_give_a_model_or_a_model_error(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    path = make(tmp_path / "m.onnx")
    data = path.read_bytes()
    random = np.random.default_rng(0)
    refused = 0
    for _ in range(200):
        flipped = bytearray(data)
        for position in random.integers(0, len(data), 3):
            flipped[position] ^= 1 << int(random.integers(0, 8))
        path.write_bytes(flipped)
        try:
            recognise(read_onnx(path))
        except (ModelError, ConfigError):
            refused += 1
    assert 0 < refused < 200


def test_refuses_names_that_are_no_text(tmp_path: Path) -> None:
    path = make_yolox_onnx(tmp_path / "m.onnx", metadata={"key": "value"})
    path.write_bytes(path.read_bytes().replace(b"value", b"v\xffl\xffe"))
    with pytest.raises(ModelError, match="got a damaged one"):
        read_onnx(path)


def test_names_an_absent_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"m\.onnx: no such file"):
        read_onnx(tmp_path / "m.onnx")
    with pytest.raises(ModelError, match="cannot be read: Is a directory"):
        read_onnx(tmp_path)


def test_names_the_missing_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_yolox_onnx(tmp_path / "m.onnx")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingError, match=r"pip install 'trt_perception\[onnx\]'") as caught:
        read_onnx(path)
    assert caught.value.exit_code == 3
