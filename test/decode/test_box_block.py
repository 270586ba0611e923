"""What other kernels find in the block that the kernels of boxes leave."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest
from helpers.box_models import Outputs, box_outputs, box_rows, box_spec
from helpers.head_on_bench import head_kernels
from numpy.typing import NDArray

from trt_perception.decode.box_kernels import BoxKernels
from trt_perception.errors import FrameError
from trt_perception.model.model_spec import HeadKind, ModelSpec
from trt_perception.preprocess.image_transform import ImageTransform
from trt_perception.thresholds import Thresholds

if TYPE_CHECKING:
    from helpers.kernel_bench import KernelBench

ROWS = box_rows(64)


def kernels_of(spec: ModelSpec) -> BoxKernels:
    kernels = head_kernels(spec)
    assert isinstance(kernels, BoxKernels)
    return kernels


def block_of(bench: KernelBench, spec: ModelSpec, outputs: Outputs, thresholds: Thresholds) -> NDArray[np.uint8]:
    kernels = kernels_of(spec)
    transform = ImageTransform.of(64, 64, spec.inputs[0])
    result = bench.room(kernels.result_bytes(transform))
    calls = kernels.calls(
        {name: int(bench.put(tensor)) for name, tensor in outputs.items()},
        transform,
        limits=int(bench.put(kernels.limits(thresholds))),
        workspace=int(bench.room(kernels.workspace_bytes)),
        result=int(result),
    )
    bench.run(calls)
    return bench.get(result, (kernels.result_bytes(transform),), np.uint8)


def scene(spec: ModelSpec) -> tuple[Outputs, NDArray[np.float64]]:
    """Boxes beside each other, each in a class of its own, with scores in no order."""
    scores = np.zeros((ROWS, 3))
    best = np.random.default_rng(0).permutation(ROWS) / ROWS
    scores[np.arange(ROWS), np.arange(ROWS) % 3] = best
    column, row = np.arange(ROWS) % 10, np.arange(ROWS) // 10
    boxes = np.stack((column * 6.4 + 3, row * 6.4 + 3, np.full(ROWS, 4), np.full(ROWS, 4)), axis=1)
    return box_outputs(spec, boxes, scores), best


@pytest.mark.parametrize(
    "kind", [HeadKind.YOLOX, HeadKind.YOLOV8, HeadKind.YOLOV10, HeadKind.DETR_SIGMOID], ids=lambda kind: kind.value
)
def test_positions_say_which_candidate_became_which_box(kernel_bench: KernelBench, kind: HeadKind) -> None:
    spec = box_spec(kind)
    outputs, best = scene(spec)
    block = block_of(kernel_bench, spec, outputs, Thresholds(score=0.405))
    layout = kernels_of(spec).block
    expected = np.argsort(-best)[: np.count_nonzero(best > 0.405)]
    assert block[layout.count :][:4].view(np.int32)[0] == len(expected) > 10
    assert block[layout.positions :].view(np.int32)[: len(expected)].tolist() == expected.tolist()
    assert layout.detections(block).class_ids.tolist() == (expected % 3).tolist()


def test_a_block_of_outputs_that_cannot_be_used_holds_no_box(kernel_bench: KernelBench) -> None:
    spec = box_spec(HeadKind.YOLOV8)
    outputs, _ = scene(spec)
    outputs["output"][0, 5, 80] = np.nan
    block = block_of(kernel_bench, spec, outputs, Thresholds())
    assert len(kernels_of(spec).block.detections(block)) == 0
    with pytest.raises(FrameError, match="1 of 588 values"):
        kernels_of(spec).read(block, ImageTransform.of(64, 64, spec.inputs[0]))


def test_what_is_read_is_the_caller_s(kernel_bench: KernelBench) -> None:
    spec = box_spec(HeadKind.YOLOV8)
    block = block_of(kernel_bench, spec, scene(spec)[0], Thresholds())
    found = kernels_of(spec).read(block, ImageTransform.of(64, 64, spec.inputs[0]))
    before = found.boxes.tolist(), found.scores.tolist(), found.class_ids.tolist()
    block[:] = 0
    assert (found.boxes.tolist(), found.scores.tolist(), found.class_ids.tolist()) == before


@pytest.mark.parametrize("kind", [HeadKind.YOLOV8, HeadKind.DETR_SOFTMAX], ids=lambda kind: kind.value)
def test_parts_begin_where_any_type_may(kind: HeadKind) -> None:
    layout = kernels_of(box_spec(kind)).block
    starts = [layout.boxes, layout.scores, layout.class_ids, layout.positions, layout.nbytes]
    assert all(start % 256 == 0 for start in starts)
    assert all(after - before >= 4 * layout.capacity for before, after in itertools.pairwise(starts))
