"""Pictures by kernels are those of `annotate`: equal but for the rounding of letters; on the GPU with `-m gpu`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.frames import bgr_frame, make_frame, scene_image
from helpers.kernel_bench import KernelBench
from helpers.model_specs import head_spec, input_spec, model_spec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from trt_perception.decode.box_block import BoxBlock
from trt_perception.decode.head_kernels import view
from trt_perception.decode.make_head_kernels import make_head_kernels
from trt_perception.decode.semantic_logits_kernels import SemanticLogitsKernels
from trt_perception.decode.yolov8_seg_kernels import Yolov8SegKernels
from trt_perception.detections import Detections
from trt_perception.draw.annotate import annotate
from trt_perception.draw.draw_kernels import DrawKernels
from trt_perception.encoding import Encoding
from trt_perception.errors import DropReason, FrameError
from trt_perception.frame import Frame
from trt_perception.instance_detections import InstanceDetections
from trt_perception.model.model_spec import HeadKind, MaskSize, ModelSpec, OutputSpec
from trt_perception.preprocess.color_image import color_image
from trt_perception.preprocess.frame_layout import FrameLayout
from trt_perception.preprocess.image_transform import ImageTransform
from trt_perception.result import HeadResult, Result
from trt_perception.segmentation_mask import UNLABELLED, SegmentationMask

LETTERS = 1 if int(cv2.__version__.split(".")[0]) >= 5 else 32
"""Grey levels by which letters may differ: OpenCV 4 blends strokes over each other, and tags may lie over tags."""
LABELS = ("car", "traffic light", "gjpq_|", "")


def boxes_spec(labels: Sequence[str] = LABELS, *, candidates: int = 700, **options: Any) -> ModelSpec:
    return model_spec(HeadKind.YOLOV8, (1, 4 + len(labels), candidates), labels=tuple(labels), **options)


def mask_spec(*, grid: tuple[int, int] = (8, 8), **options: Any) -> ModelSpec:
    labels = ("background", "road", "lane", "_void_")
    return model_spec(HeadKind.SEMANTIC_LOGITS, (1, len(labels), *grid), labels=labels, **options)


def instances_spec(mask_size: MaskSize = MaskSize.CAMERA, **options: Any) -> ModelSpec:
    spec = boxes_spec(candidates=84)
    boxes = replace(spec.outputs[0], shape=(1, 4 + len(LABELS) + 2, 84))
    head = replace(spec.heads[0], kind=HeadKind.YOLOV8_SEG, outputs=("output", "prototypes"), mask_size=mask_size)
    return replace(
        spec,
        inputs=(input_spec(64, 64, **options),),
        outputs=(boxes, OutputSpec(name="prototypes", shape=(1, 2, 16, 16))),
        heads=(head,),
    )


def detections(boxes: Any, *, classes: int = len(LABELS), seed: int = 0) -> Detections:
    corners = np.asarray(boxes, np.float32).reshape(-1, 4)
    random = np.random.default_rng(seed)
    scores = np.sort(random.uniform(0.05, 1, len(corners)))[::-1]
    return Detections(
        boxes=corners,
        scores=np.ascontiguousarray(scores, np.float32),
        class_ids=random.integers(0, classes, len(corners)).astype(np.int32),
    )


def picture(
    bench: KernelBench,
    frame: Frame,
    spec: ModelSpec,
    found: Mapping[str, HeadResult],
    left_out: Mapping[str, frozenset[int]] | None = None,
) -> NDArray[np.uint8]:
    """The picture by kernels from results laid out as the heads' kernels leave them; twice with the same bytes."""
    heads = {head.name: make_head_kernels(head, spec, {}) for head in spec.heads}
    layout, draw = FrameLayout.of(frame), DrawKernels(spec, heads, left_out=left_out)
    transform = ImageTransform.of(frame.width, frame.height, spec.inputs[0])
    results = {}
    for name, one in found.items():
        block = np.full(heads[name].result_bytes(transform), 0xA5, np.uint8)
        kernels = heads[name]
        if isinstance(one, Detections):
            write_boxes(block, kernels.block, one)  # type: ignore[attr-defined]
        if isinstance(kernels, SemanticLogitsKernels | Yolov8SegKernels):
            place = kernels.mask_place(transform)
            mask = one.instance_ids if isinstance(one, InstanceDetections) else one.class_ids
            view(block, place.offset, np.uint8, (place.height, place.width))[...] = mask
        results[name] = int(bench.put(block))
    tables = draw.tables(layout)
    pixels, constants = int(bench.put(frame.data[: layout.nbytes])), int(bench.put(tables.block))
    images = []
    for _ in range(2):
        room = int(bench.room(draw.picture_bytes(layout)))
        bench.run(draw.calls(layout, tables, pixels=pixels, results=results, constants=constants, picture=room))
        images.append(draw.read(bench.get(room, (draw.picture_bytes(layout),), np.uint8), layout))
    assert np.array_equal(images[0], images[1])
    return images[0]


def write_boxes(block: NDArray[np.uint8], layout: BoxBlock, found: Detections) -> None:
    view(block, layout.count, np.int32, (1,))[0] = len(found)
    view(block, layout.boxes, np.float32, found.boxes.shape)[...] = found.boxes
    view(block, layout.scores, np.float32, found.scores.shape)[...] = found.scores
    view(block, layout.class_ids, np.int32, found.class_ids.shape)[...] = found.class_ids


def expected_picture(frame: Frame, spec: ModelSpec, found: Mapping[str, HeadResult]) -> NDArray[np.uint8]:
    return annotate(color_image(frame), Result(heads=dict(found)), spec)


def off(bench: KernelBench, frame: Frame, spec: ModelSpec, found: Mapping[str, HeadResult]) -> int:
    """Largest difference from the reference, grey levels."""
    got, expected = picture(bench, frame, spec, found), expected_picture(frame, spec, found)
    return int(np.abs(got.astype(int) - expected).max())


@pytest.mark.parametrize("encoding", Encoding, ids=lambda encoding: encoding.value)
@pytest.mark.parametrize("padding", [0, 5])
def test_a_frame_of_any_encoding_is_its_colours(kernel_bench: KernelBench, encoding: Encoding, padding: int) -> None:
    width, height = (70, 37) if encoding in (Encoding.UYVY, Encoding.YUYV) else (69, 37)
    row_bytes = width * encoding.bytes_per_pixel + (width % 2 if encoding.is_semi_planar else 0)
    rows = np.random.default_rng(1).integers(0, 256, (encoding.row_count(height), row_bytes), dtype=np.uint8)
    frame = make_frame(rows, encoding, width=width, height=height, padding=padding, cut_last_padding=True)
    assert np.array_equal(picture(kernel_bench, frame, boxes_spec(), {}), color_image(frame))


SIZES = st.tuples(st.integers(1, 100), st.integers(1, 100))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=SIZES, mask_size=st.sampled_from(list(MaskSize)), data=st.data())
def test_masks_tint_what_they_label(
    kernel_bench: KernelBench, size: tuple[int, int], mask_size: MaskSize, data: st.DataObject
) -> None:
    """At camera size, and at network size over the crop."""
    kernel_bench.clear()
    width, height = size
    crop = None
    if data.draw(st.booleans()):
        x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
        crop = (x, y, data.draw(st.integers(1, width - x)), data.draw(st.integers(1, height - y)))
    spec = mask_spec(grid=(13, 16), mask_size=mask_size, crop=crop)
    kernels = make_head_kernels(spec.heads[0], spec, {})
    assert isinstance(kernels, SemanticLogitsKernels)
    place = kernels.mask_place(ImageTransform.of(width, height, spec.inputs[0]))
    ids = np.random.default_rng(width * height).choice([0, 1, 2, 3, UNLABELLED], (place.height, place.width))
    found = {"head": SegmentationMask(class_ids=ids.astype(np.uint8))}
    assert off(kernel_bench, bgr_frame(scene_image(height, width)), spec, found) == 0


@pytest.mark.parametrize("mask_size", MaskSize, ids=lambda size: size.value)
@pytest.mark.parametrize("crop", [None, (20, 10, 90, 60)], ids=["whole", "crop"])
def test_objects_are_tinted_and_boxed(
    kernel_bench: KernelBench, mask_size: MaskSize, crop: tuple[int, int, int, int] | None
) -> None:
    spec = instances_spec(mask_size, crop=crop)
    kernels = make_head_kernels(spec.heads[0], spec, {})
    assert isinstance(kernels, Yolov8SegKernels)
    place = kernels.mask_place(ImageTransform.of(160, 120, spec.inputs[0]))
    boxed = detections([(10, 20, 90, 100), (40, 10, 150, 70), (100, 60, 150, 110)])
    ids = np.random.default_rng(0).integers(0, 4, (place.height, place.width), dtype=np.uint8)
    found = InstanceDetections(boxes=boxed.boxes, scores=boxed.scores, class_ids=boxed.class_ids, instance_ids=ids)
    assert off(kernel_bench, bgr_frame(scene_image(120, 160)), spec, {"head": found}) <= LETTERS


IMAGES = pytest.mark.parametrize(
    ("width", "height"),
    [(97, 61), (400, 300), (2000, 60), (70, 3300)],
    ids=["tiny", "small", "lines_of_4", "lines_of_7"],
)


@IMAGES
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6), count=st.sampled_from([1, 6, 30]), whole=st.booleans())
def test_boxes_anywhere(kernel_bench: KernelBench, width: int, height: int, seed: int, count: int, whole: bool) -> None:
    """Clamped to the image as decoders do, at its borders, over each other, less than a pixel."""
    kernel_bench.clear()
    random = np.random.default_rng(seed)
    centres = random.uniform((0, 0), (width, height), (count, 2))
    sides = random.uniform((0, 0), (width, height), (count, 2)) * random.choice([0.002, 0.1, 1], (count, 1))
    corners = np.concatenate((centres - sides / 2, centres + sides / 2), axis=1)
    if whole:
        corners = np.rint(corners * 2) / 2  # halves, which round to even
    corners = np.clip(corners, 0, np.array((width, height) * 2))
    found = {"head": detections(corners, seed=seed)}
    assert off(kernel_bench, bgr_frame(scene_image(height, width)), boxes_spec(), found) <= LETTERS


def test_more_boxes_than_a_block_has_threads(kernel_bench: KernelBench) -> None:
    """The best lies on top."""
    random = np.random.default_rng(4)
    corners = random.uniform(0, 90, (600, 2))
    boxes = np.concatenate((corners, corners + random.uniform(1, 60, (600, 2))), axis=1)
    found = {"head": detections(np.clip(boxes, 0, (120, 100, 120, 100)))}
    assert off(kernel_bench, bgr_frame(scene_image(100, 120)), boxes_spec(), found) <= LETTERS


@pytest.mark.parametrize("score", [0.0, 0.005, 0.125, 0.375, 0.625, 0.995, 0.9999, 1.0])
def test_scores_are_rounded_as_they_are_written(kernel_bench: KernelBench, score: float) -> None:
    """Halves of a hundredth to even."""
    found = replace(detections([(20, 40, 80, 90)]), scores=np.array([score], np.float32))
    assert off(kernel_bench, bgr_frame(scene_image(100, 120)), boxes_spec(), {"head": found}) <= LETTERS


def test_a_score_above_one_is_written_as_one(kernel_bench: KernelBench) -> None:
    frame, box = bgr_frame(scene_image(100, 120)), detections([(20, 40, 80, 90)])
    above, one = (
        picture(kernel_bench, frame, boxes_spec(), {"head": replace(box, scores=np.array([score], np.float32))})
        for score in (1.5, 1.0)
    )
    assert np.array_equal(above, one)


def two_heads() -> ModelSpec:
    """Boxes, a mask, and more boxes."""
    boxes, masks = boxes_spec(), mask_spec()
    heads = (
        head_spec(HeadKind.YOLOV8, LABELS, name="objects", output="output"),
        head_spec(HeadKind.SEMANTIC_LOGITS, masks.heads[0].labels, name="ground", output="masks"),
        head_spec(HeadKind.YOLOV8, ("sign", "light"), name="signs", output="signs"),
    )
    outputs = (
        *boxes.outputs,
        replace(masks.outputs[0], name="masks"),
        OutputSpec(name="signs", shape=(1, 6, 50)),
    )
    return replace(boxes, outputs=outputs, heads=heads)


def results_of_two_heads() -> dict[str, HeadResult]:
    ids = np.random.default_rng(2).choice([0, 1, 2, UNLABELLED], (120, 160)).astype(np.uint8)
    return {
        "objects": detections([(10, 30, 90, 100), (40, 50, 150, 110)]),
        "ground": SegmentationMask(class_ids=ids),
        "signs": detections([(20, 20, 60, 80), (50, 40, 159.5, 119.5)], classes=2, seed=1),
    }


def test_masks_lie_under_all_boxes_and_heads_in_their_order(kernel_bench: KernelBench) -> None:
    frame = bgr_frame(scene_image(120, 160), padding=3)
    assert off(kernel_bench, frame, two_heads(), results_of_two_heads()) <= LETTERS


def test_a_head_without_result_is_not_drawn(kernel_bench: KernelBench) -> None:
    found = results_of_two_heads()
    del found["ground"], found["signs"]
    assert off(kernel_bench, bgr_frame(scene_image(120, 160)), two_heads(), found) <= LETTERS


def test_classes_that_are_left_out_are_not_drawn(kernel_bench: KernelBench) -> None:
    spec, found, frame = two_heads(), results_of_two_heads(), bgr_frame(scene_image(120, 160))
    hidden = {"objects": frozenset({0, 2}), "ground": frozenset({2})}
    objects, ground = found["objects"], found["ground"]
    assert isinstance(objects, Detections)
    assert isinstance(ground, SegmentationMask)
    shown = dict(found)
    shown["objects"] = objects.select(np.isin(objects.class_ids, (0, 2), invert=True))
    shown["ground"] = SegmentationMask(class_ids=np.where(ground.class_ids == 2, UNLABELLED, ground.class_ids))
    assert len(shown["objects"]) < len(objects)  # type: ignore[arg-type]
    got = picture(kernel_bench, frame, spec, found, hidden)
    assert np.abs(got.astype(int) - expected_picture(frame, spec, shown)).max() <= LETTERS


def test_objects_that_are_left_out_have_no_tint(kernel_bench: KernelBench) -> None:
    spec, frame = instances_spec(), bgr_frame(scene_image(120, 160))
    boxed = detections([(10, 20, 90, 100), (40, 10, 150, 70), (100, 60, 150, 110)], seed=3)
    ids = np.random.default_rng(0).integers(0, 4, (120, 160), dtype=np.uint8)
    found = InstanceDetections(boxes=boxed.boxes, scores=boxed.scores, class_ids=boxed.class_ids, instance_ids=ids)
    class_id = int(boxed.class_ids[1])
    shown = found.select(found.class_ids != class_id)
    got = picture(kernel_bench, frame, spec, {"head": found}, {"head": frozenset({class_id})})
    assert np.abs(got.astype(int) - expected_picture(frame, spec, {"head": shown})).max() <= LETTERS


@pytest.mark.parametrize(
    ("layout", "problem"),
    [
        (FrameLayout(encoding=Encoding.UYVY, width=33, height=20, step=66), "needs an even width"),
        (FrameLayout(encoding=Encoding.BAYER_RGGB8, width=3, height=20, step=3), "needs sides of 4 px"),
        (FrameLayout(encoding=Encoding.BGR8, width=30, height=20, step=90), "does not lie in it"),
    ],
    ids=["odd_yuv", "small_bayer", "crop"],
)
def test_sizes_that_cannot_be_are_refused(layout: FrameLayout, problem: str) -> None:
    spec = boxes_spec(crop=(0, 0, 31, 10))
    draw = DrawKernels(spec, {"head": make_head_kernels(spec.heads[0], spec, {})})
    with pytest.raises(FrameError, match=problem) as caught:
        draw.calls(layout, draw.tables(layout), pixels=0, results={}, constants=0, picture=0)
    assert caught.value.reason is DropReason.BAD_SIZE
