"""Inputs and outputs of an engine, and whether they are those of a model."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest
from helpers.inspected_tensorrt import Engine, fake_tensorrt
from helpers.model_specs import tiny_yolox_spec

from trt_perception.engine.engine_io import EngineBinding, check_tensors, engine_tensors
from trt_perception.errors import EngineError
from trt_perception.model.model_spec import TensorType

SPEC = tiny_yolox_spec("tiny.onnx")
IMAGES = EngineBinding(name="images", is_input=True, shape=(1, 3, 64, 64), dtype="float32")
OUTPUT = EngineBinding(name="output", is_input=False, shape=(1, 84, 8), dtype="float32")


def test_are_read_in_the_engines_order() -> None:
    engine = Engine(SPEC, "{}")
    assert engine_tensors(fake_tensorrt(SPEC, "{}"), engine) == (IMAGES, OUTPUT)


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        pytest.param(SimpleNamespace(name="HALF"), "float16", id="name"),
        pytest.param(SimpleNamespace(name="DataType.INT64"), "int64", id="qualified"),
        pytest.param("DataType.FLOAT", "float32", id="text"),
        pytest.param(SimpleNamespace(name="E8M0"), "e8m0", id="unknown"),
    ],
)
def test_types_have_the_names_of_the_model_yaml(monkeypatch: pytest.MonkeyPatch, member: Any, expected: str) -> None:
    engine = Engine(SPEC, "{}")
    monkeypatch.setattr(engine, "get_tensor_dtype", lambda name: member)
    assert {tensor.dtype for tensor in engine_tensors(fake_tensorrt(SPEC, "{}"), engine)} == {expected}


@pytest.mark.parametrize(
    "tensors",
    [
        pytest.param((IMAGES, OUTPUT), id="the_same"),
        pytest.param((OUTPUT, IMAGES), id="another_order"),
        pytest.param((dataclasses.replace(IMAGES, shape=(-1, 3, -1, -1)), OUTPUT), id="open_sizes"),
        pytest.param((IMAGES, OUTPUT, dataclasses.replace(OUTPUT, name="more")), id="another_output"),
    ],
)
def test_what_fits_passes(tensors: tuple[EngineBinding, ...]) -> None:
    check_tensors(tensors, SPEC, engine="front.engine")


def test_an_output_that_tensorrt_8_narrowed_passes() -> None:
    spec = dataclasses.replace(SPEC, outputs=(dataclasses.replace(SPEC.outputs[0], dtype=TensorType.INT64),))
    check_tensors((IMAGES, dataclasses.replace(OUTPUT, dtype="int32")), spec, engine="front.engine")
    with pytest.raises(EngineError, match="expected int64"):
        check_tensors((IMAGES, dataclasses.replace(OUTPUT, dtype="float32")), spec, engine="front.engine")


@pytest.mark.parametrize(
    ("tensors", "text"),
    [
        pytest.param((IMAGES,), "outputs: expected output, got ", id="no_output"),
        pytest.param(
            (dataclasses.replace(IMAGES, name="image"), OUTPUT), "inputs: expected images, got image", id="name"
        ),
        pytest.param(
            (IMAGES, dataclasses.replace(IMAGES, name="infrared"), OUTPUT),
            "inputs: expected images, got images, infrared",
            id="another_input",
        ),
        pytest.param(
            (dataclasses.replace(IMAGES, shape=(1, 3, 64, 96)), OUTPUT),
            "'images': expected float32 [1, 3, 64, 64], got float32 [1, 3, 64, 96]",
            id="size",
        ),
        pytest.param((dataclasses.replace(IMAGES, shape=(3, 64, 64)), OUTPUT), "got float32 [3, 64, 64]", id="rank"),
        pytest.param((dataclasses.replace(IMAGES, dtype="int32"), OUTPUT), "expected float32", id="type"),
        pytest.param(
            (dataclasses.replace(IMAGES, is_input=False), OUTPUT), "inputs: expected images, got ", id="direction"
        ),
    ],
)
def test_what_does_not_fit_is_named(tensors: tuple[EngineBinding, ...], text: str) -> None:
    with pytest.raises(EngineError) as caught:
        check_tensors(tensors, SPEC, engine="front.engine")
    assert text in str(caught.value)
    assert "front.engine" in str(caught.value)
