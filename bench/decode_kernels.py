"""GPU time of the kernels that make boxes of a network's output, alone, beside the same on the CPU.

    python bench/decode_kernels.py [--rehearse]

Images of 1920 x 1080, an input of 640 x 640, 80 classes; about four candidates an object. Times are between two events
around many runs of one captured CUDA graph, divided by their number: gaps between kernels count, the host does not.
`--rehearse` runs each once on the CPU by the tests' stand-in for CUDA, compares what it finds with the decoder's and
writes nothing.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from kernel_bench import run_kernel_bench
from kernel_device import ROUNDS, RUNS, KernelDevice
from numpy.typing import NDArray
from result_file import ResultFile

from trt_perception.decode.make_decoder import make_decoder
from trt_perception.decode.make_head_kernels import make_head_kernels
from trt_perception.detections import Detections
from trt_perception.model.model_spec import HeadKind, HeadSpec, InputSpec, ModelSpec, OutputSpec, TensorType
from trt_perception.preprocess.image_transform import ImageTransform
from trt_perception.thresholds import Thresholds

IMAGE = (1920, 1080)
SIZE = 640
CLASSES = 80
AN_OBJECT = 4
"""Candidates of one object."""


class Case(NamedTuple):
    """One output.

    Args:
        kind: Family of the head.
        rows: Boxes.
        candidates: Boxes that reach the limit.
        dtype: Element type.
    """

    kind: HeadKind
    rows: int
    candidates: int
    dtype: TensorType = TensorType.FLOAT32


CASES = (
    *(Case(HeadKind.YOLOX_DECODED, 8400, candidates) for candidates in (20, 300, 5000)),
    *(Case(HeadKind.YOLOV5, 25200, candidates) for candidates in (20, 300, 5000)),
    *(Case(HeadKind.YOLOV8, 8400, candidates) for candidates in (20, 300, 5000)),
    Case(HeadKind.YOLOX_DECODED, 8400, 300, TensorType.FLOAT16),
    Case(HeadKind.YOLOV8, 8400, 300, TensorType.FLOAT16),
    Case(HeadKind.YOLOV10, 300, 100),
    Case(HeadKind.RTDETR, 300, 100),
    Case(HeadKind.DETR_SIGMOID, 300, 100),
)


def spec_of(case: Case) -> ModelSpec:
    """A model with that head alone."""
    of_kind: dict[HeadKind, dict[str, tuple[int, ...]]] = {
        HeadKind.YOLOV8: {"output": (1, 4 + CLASSES, case.rows)},
        HeadKind.YOLOV10: {"output": (1, case.rows, 6)},
        HeadKind.RTDETR: {"output": (1, case.rows, 4 + CLASSES)},
        HeadKind.DETR_SIGMOID: {"logits": (1, case.rows, CLASSES), "boxes": (1, case.rows, 4)},
    }
    shapes = of_kind.get(case.kind, {"output": (1, case.rows, 5 + CLASSES)})
    labels = tuple(f"class_{index}" for index in range(CLASSES))
    return ModelSpec(
        name="bench",
        model="bench.onnx",
        inputs=(InputSpec(name="images", shape=(1, 3, SIZE, SIZE)),),
        outputs=tuple(OutputSpec(name=name, shape=shape, dtype=case.dtype) for name, shape in shapes.items()),
        heads=(HeadSpec(name="head", kind=case.kind, outputs=tuple(shapes), labels=labels),),
    )


def outputs_of(case: Case, spec: ModelSpec) -> dict[str, NDArray[Any]]:
    """What such a network might give: objects, each seen several times, and a low noise of scores elsewhere."""
    random = np.random.default_rng(0)
    objects = max(1, case.candidates // AN_OBJECT)
    placed = np.concatenate((random.uniform(200, 440, (objects, 2)), random.uniform(20, 90, (objects, 2))), axis=1)
    chosen = random.choice(case.rows, case.candidates, replace=False)
    which = np.arange(case.candidates) % objects
    boxes = random.uniform(10, 100, (case.rows, 4))
    boxes[chosen] = placed[which] + random.normal(0, 2, (case.candidates, 4))
    scores = random.uniform(0, 0.1, (case.rows, CLASSES))
    scores[chosen, which % CLASSES] = random.uniform(0.4, 0.95, case.candidates)
    arrays = {"logits": np.log(scores / (1 - scores)), "boxes": boxes / SIZE}
    if case.kind is HeadKind.YOLOV8:
        arrays["output"] = np.concatenate((boxes, scores), axis=1).T
    elif case.kind is HeadKind.YOLOV10:
        corners = np.concatenate((boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2), axis=1)
        arrays["output"] = np.column_stack((corners, scores.max(axis=1), scores.argmax(axis=1)))
    elif case.kind is HeadKind.RTDETR:
        arrays["output"] = np.concatenate((boxes / SIZE, scores), axis=1)
    else:
        arrays["output"] = np.concatenate((boxes, np.ones((case.rows, 1)), scores), axis=1)
    return {output.name: np.ascontiguousarray(arrays[output.name][None], output.dtype.value) for output in spec.outputs}


def measure(case: Case, device: KernelDevice) -> dict[str, Any]:
    """One row."""
    spec, thresholds = spec_of(case), Thresholds(score=0.3)
    kernels = make_head_kernels(spec.heads[0], spec, {})
    transform = ImageTransform.of(*IMAGE, spec.inputs[0])
    outputs = outputs_of(case, spec)
    workspace, result = device.room(kernels.workspace_bytes), device.room(kernels.result_bytes(transform))
    calls = kernels.calls(
        {name: device.put(array) for name, array in outputs.items()},
        transform,
        limits=device.put(kernels.limits(thresholds)),
        workspace=workspace,
        result=result,
    )
    us = device.us(calls)
    found = kernels.read(device.get(result, kernels.result_bytes(transform)), transform)
    expected, cpu_us = by_cpu(spec, outputs, transform, thresholds)
    assert isinstance(found, Detections)
    row = {
        "head": case.kind.value,
        "type": case.dtype.value,
        "rows": case.rows,
        "candidates": case.candidates,
        "boxes": len(found),
        "us": us,
        "cpu_us": cpu_us,
        "kernels": ", ".join(f"{call.source.function} {device.us([call]):.1f}" for call in calls),
        "is_equal": found.class_ids.tolist() == expected.class_ids.tolist()
        and bool(np.allclose(found.boxes, expected.boxes, atol=2e-3)),
        "result_kb": kernels.result_bytes(transform) / 1e3,
    }
    device.clear()
    return row


def by_cpu(
    spec: ModelSpec, outputs: Mapping[str, NDArray[Any]], transform: ImageTransform, thresholds: Thresholds
) -> tuple[Detections, float]:
    """What the decoder finds, and its microseconds."""
    decoder = make_decoder(spec.heads[0], spec)
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        found = decoder.decode(outputs, transform, thresholds)
        times.append((time.perf_counter() - start) * 1e6)
    assert isinstance(found, Detections)
    return found, statistics.median(times)


def result_of(rows: Sequence[Mapping[str, Any]], facts: Mapping[str, str]) -> ResultFile:
    """The file."""
    columns = {
        "head": "head",
        "type": "type",
        "rows": "rows",
        "candidates": "candidates",
        "boxes": "boxes found",
        "us": "GPU us",
        "cpu_us": "CPU us",
        "kernels": "kernels alone, us",
        "result_kb": "kB to the host",
    }
    differing = sum(not row["is_equal"] for row in rows)
    return ResultFile(
        name="decode_kernels",
        question=f"GPU time of the kernels that make boxes for {CLASSES} classes, median of {ROUNDS} rounds of "
        f"{RUNS} runs.",
        command=f"python bench/{Path(__file__).name}",
        columns=columns,
        rows=rows,
        goals=[f"the boxes of the decoder on the CPU: {differing} cases differ, {'missed' if differing else 'held'}"],
        machine=facts,
    )


if __name__ == "__main__":
    sys.exit(run_kernel_bench(__doc__, name="decode_kernels", cases=CASES, measure=measure, result_of=result_of))
