"""Outputs that cannot be used are refused by the kernels in the words of the decoders on the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from helpers.box_models import BOX_KINDS, FINISHED_KINDS, Outputs, box_outputs, box_rows, box_spec
from helpers.head_on_bench import by_decoder, by_kernels, head_kernels, problem_of

from trt_perception.decode.make_head_kernels import make_head_kernels
from trt_perception.detections import Detections
from trt_perception.errors import ConfigError, ModelError
from trt_perception.model.model_spec import HeadKind, ModelSpec, TensorType
from trt_perception.thresholds import Thresholds

if TYPE_CHECKING:
    from helpers.kernel_bench import KernelBench

all_kinds = pytest.mark.parametrize("kind", BOX_KINDS, ids=lambda kind: kind.value)
SCANS = (HeadKind.YOLOX, HeadKind.YOLOV8, HeadKind.YOLOV10, HeadKind.DETR_SIGMOID)
ROWS = box_rows(64)


def outputs_of(spec: ModelSpec) -> Outputs:
    """A few boxes."""
    scores = np.zeros((ROWS, 3))
    scores[5:10, 1] = 0.8
    boxes = np.full((ROWS, 4), 8.0)
    boxes[:, 0] += np.arange(ROWS) % 6 * 9
    return box_outputs(spec, boxes, scores)


def assert_same_refusal(bench: KernelBench, spec: ModelSpec, outputs: Outputs, saying: str) -> None:
    by_gpu, by_cpu = problem_of(bench, spec, outputs, (64, 64))
    assert by_gpu == by_cpu
    assert by_gpu.startswith("inference_failed: ")
    assert saying in by_gpu


def floats_of(spec: ModelSpec) -> list[str]:
    return [output.name for output in spec.outputs if output.dtype in (TensorType.FLOAT32, TensorType.FLOAT16)]


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [*((kind, TensorType.FLOAT32) for kind in BOX_KINDS), *((kind, TensorType.FLOAT16) for kind in SCANS)],
)
def test_a_value_that_is_not_finite_is_refused_wherever_it_is(
    kernel_bench: KernelBench, kind: HeadKind, dtype: TensorType
) -> None:
    spec = box_spec(kind, dtype=dtype)
    for name in floats_of(spec):
        for place, value in ((0, np.nan), (-1, np.inf), (ROWS // 2 + 1, -np.inf)):
            outputs = outputs_of(spec)
            outputs[name].reshape(-1)[place] = value
            assert_same_refusal(kernel_bench, spec, outputs, f"'{name}': 1 of {outputs[name].size} values")
            kernel_bench.clear()


@all_kinds
def test_all_values_that_are_not_finite_are_counted(kernel_bench: KernelBench, kind: HeadKind) -> None:
    """Of two outputs the first is named."""
    spec = box_spec(kind)
    outputs = outputs_of(spec)
    for index, name in enumerate(floats_of(spec)):
        outputs[name].reshape(-1)[3 : 10 + index] = np.inf
    assert_same_refusal(kernel_bench, spec, outputs, "7 of ")


def test_infinities_everywhere_are_counted(kernel_bench: KernelBench) -> None:
    spec = box_spec(HeadKind.YOLOV8)
    outputs = {"output": np.full(spec.outputs[0].shape, -np.inf, np.float32)}
    assert_same_refusal(kernel_bench, spec, outputs, f"{7 * ROWS} of {7 * ROWS} values")


@pytest.mark.parametrize("kind", FINISHED_KINDS, ids=lambda kind: kind.value)
@pytest.mark.parametrize("number", [-1, 3, 100])
def test_a_class_that_does_not_exist_is_refused(kernel_bench: KernelBench, kind: HeadKind, number: int) -> None:
    """The first of several is named; what no limit lets pass is not looked at."""
    for dtype in (TensorType.INT64, TensorType.INT32, TensorType.INT8):
        spec = box_spec(kind, class_dtype=dtype)
        outputs = outputs_of(spec)
        numbers = outputs["output"][0, :, 5] if "output" in outputs else outputs["labels"][0]
        numbers[2], numbers[7], numbers[8] = 99, number, 77
        assert_same_refusal(kernel_bench, spec, outputs, f"class number {number}")
        kernel_bench.clear()


@pytest.mark.parametrize("dtype", [TensorType.FLOAT32, TensorType.FLOAT16], ids=lambda dtype: dtype.value)
def test_a_class_that_is_not_whole_is_refused(kernel_bench: KernelBench, dtype: TensorType) -> None:
    spec = box_spec(HeadKind.YOLOV10, dtype=dtype)
    outputs = outputs_of(spec)
    outputs["output"][0, 6, 5] = 1.3
    assert_same_refusal(kernel_bench, spec, outputs, "class number 1.")


def test_unsigned_classes_are_not_negative(kernel_bench: KernelBench) -> None:
    spec = box_spec(HeadKind.RTDETR_DEPLOY, class_dtype=TensorType.UINT8)
    outputs = outputs_of(spec)
    outputs["labels"][0, 6] = 255
    assert_same_refusal(kernel_bench, spec, outputs, "class number 255")


@pytest.mark.parametrize("count", [-1, ROWS + 1, 2**31 - 1])
def test_a_count_beyond_the_rows_is_refused(kernel_bench: KernelBench, count: int) -> None:
    spec = box_spec(HeadKind.EFFICIENT_NMS)
    outputs = {**outputs_of(spec), "count": np.array([[count]], np.int32)}
    assert_same_refusal(kernel_bench, spec, outputs, f"'count': {count} boxes, expected 0 to {ROWS}")


def test_rows_behind_the_count_are_not_looked_at(kernel_bench: KernelBench) -> None:
    spec = box_spec(HeadKind.EFFICIENT_NMS)
    outputs = {**outputs_of(spec), "count": np.array([[7]], np.int32)}
    outputs["boxes"][0, 7:], outputs["scores"][0, 7:], outputs["labels"][0, 7:] = np.nan, np.nan, -1
    found = by_kernels(kernel_bench, spec, outputs, (64, 64))
    assert isinstance(found, Detections)
    assert len(found) == 2
    outputs["boxes"][0, 6, 0] = np.nan
    assert_same_refusal(kernel_bench, spec, outputs, "1 of 28 values")


@pytest.mark.parametrize("kind", [HeadKind.YOLOX, HeadKind.YOLOV5, HeadKind.YOLOV8], ids=lambda kind: kind.value)
def test_a_box_beyond_floats_is_refused_if_it_is_a_candidate(kernel_bench: KernelBench, kind: HeadKind) -> None:
    spec = box_spec(kind)
    outputs = outputs_of(spec)
    rows = outputs["output"][0].T if kind is HeadKind.YOLOV8 else outputs["output"][0]
    rows[20, 2] = 100.0 if kind is HeadKind.YOLOX else 3.4e38
    rows[20, :2] = 3.4e38
    found, expected = by_kernels(kernel_bench, spec, outputs, (64, 64)), by_decoder(spec, outputs, (64, 64))
    assert isinstance(found, Detections)
    assert isinstance(expected, Detections)
    assert len(found) == len(expected) > 0
    rows[20, -1] = 0.9
    assert_same_refusal(kernel_bench, spec, outputs, "a box is NaN or infinite")


def test_a_fraction_beyond_floats_is_a_box_at_the_border(kernel_bench: KernelBench) -> None:
    spec = box_spec(HeadKind.RTDETR)
    outputs = outputs_of(spec)
    outputs["output"][0, 5, 2:4] = 3e38
    found, expected = by_kernels(kernel_bench, spec, outputs, (64, 64)), by_decoder(spec, outputs, (64, 64))
    assert isinstance(found, Detections)
    assert isinstance(expected, Detections)
    assert found.boxes.tolist() == expected.boxes.tolist()
    assert found.boxes[0].tolist() == [0, 0, 64, 64]


def test_an_unknown_label_is_refused_as_by_the_decoder() -> None:
    with pytest.raises(ConfigError, match=r"per_class\.bus"):
        head_kernels(box_spec(HeadKind.YOLOV8)).limits(Thresholds(per_class={"bus": 0.5}))


def test_a_head_that_does_not_fit_is_refused_as_by_the_decoder() -> None:
    spec = box_spec(HeadKind.YOLOV8, classes=4)
    with pytest.raises(ModelError, match="must have shape"):
        make_head_kernels(box_spec(HeadKind.YOLOV8).heads[0], spec, {})
    with pytest.raises(ModelError, match="must be float32 or float16, got int8"):
        make_head_kernels(spec.heads[0], spec, {"output": TensorType.INT8})


def test_the_engine_s_types_go_before_those_of_the_spec(kernel_bench: KernelBench) -> None:
    spec = box_spec(HeadKind.EFFICIENT_NMS, class_dtype=TensorType.INT64)
    built = box_spec(HeadKind.EFFICIENT_NMS, class_dtype=TensorType.INT32)
    types = {output.name: output.dtype for output in built.outputs}
    as_built = make_head_kernels(built.heads[0], built, {})
    assert vars(make_head_kernels(spec.heads[0], spec, types))["_scan"] == vars(as_built)["_scan"]
    assert vars(head_kernels(spec))["_scan"] != vars(as_built)["_scan"]
