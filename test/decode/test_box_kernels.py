"""The kernels of boxes find what the decoders on the CPU find: the same objects in the same order.

Sums and products are the same on both, and so are boxes and scores to the last bit; where an exponential is needed
(boxes of YOLOX, scores of DETR), NumPy's may be 3 units of the last place away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from helpers.box_models import BOX_KINDS, EXPONENTIAL_KINDS, Outputs, box_outputs, box_rows, box_spec
from helpers.head_on_bench import by_decoder, by_kernels
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from trt_perception.decode.candidates import MAX_CANDIDATES
from trt_perception.detections import Detections
from trt_perception.model.model_spec import HeadKind, ModelSpec, TensorType
from trt_perception.model.preprocess_options import Resize
from trt_perception.thresholds import Thresholds

if TYPE_CHECKING:
    from helpers.kernel_bench import KernelBench

LARGE = 512
"""Side of an input with more cells than NMS takes."""
SIZES = {
    "as_the_network": ((64, 64), {}),
    "wide": ((160, 90), {"resize": Resize.LETTERBOX}),
    "high_at_the_top_left": ((33, 77), {"resize": Resize.LETTERBOX_TOP_LEFT}),
    "stretched": ((640, 480), {"resize": Resize.STRETCH}),
    "cropped": ((640, 480), {"resize": Resize.LETTERBOX, "crop": (100, 50, 320, 161)}),
}

all_kinds = pytest.mark.parametrize("kind", BOX_KINDS, ids=lambda kind: kind.value)
# One of each way in which candidates are chosen, and boxes kept.
FINISHES = (HeadKind.YOLOX, HeadKind.YOLOV8, HeadKind.EFFICIENT_NMS, HeadKind.DETR_SIGMOID)
all_finishes = pytest.mark.parametrize("kind", FINISHES, ids=lambda kind: kind.value)
nms_kinds = pytest.mark.parametrize("kind", FINISHES[:2], ids=lambda kind: kind.value)


def compare(
    bench: KernelBench,
    spec: ModelSpec,
    outputs: Outputs,
    *,
    size: tuple[int, int] | None = None,
    thresholds: Thresholds | None = None,
) -> Detections:
    """What both find."""
    size = size or (spec.inputs[0].width, spec.inputs[0].height)
    found = by_kernels(bench, spec, outputs, size, thresholds)
    expected = by_decoder(spec, outputs, size, thresholds)
    bench.clear()
    assert isinstance(found, Detections)
    assert isinstance(expected, Detections)
    kind = spec.heads[0].kind
    assert found.class_ids.tolist() == expected.class_ids.tolist()
    if kind in EXPONENTIAL_KINDS:
        np.testing.assert_allclose(found.scores, expected.scores, rtol=1e-6)
    else:
        np.testing.assert_array_equal(found.scores, expected.scores)
    if kind is HeadKind.YOLOX:
        np.testing.assert_allclose(found.boxes, expected.boxes, atol=max(size) * 1e-6)
    else:
        np.testing.assert_array_equal(found.boxes, expected.boxes)
    return found


def scattered(rows: int, size: int, seed: int) -> NDArray[np.float64]:
    """Boxes anywhere in and beside the input."""
    random = np.random.default_rng(seed)
    return np.concatenate((random.uniform(-8, size + 8, (rows, 2)), random.uniform(1, size / 3, (rows, 2))), axis=1)


def apart(rows: int, size: int) -> NDArray[np.float64]:
    """Boxes none of which overlaps another."""
    side = int(np.ceil(np.sqrt(rows)))
    row, column = np.divmod(np.arange(rows), side)
    width = np.full(rows, size / side)
    return np.stack(((column + 0.5) * width, (row + 0.5) * width, width * 0.75, width * 0.75), axis=1)


def one_class_each(best: NDArray[Any], classes: int = 3) -> NDArray[np.float64]:
    """Scores (rows, classes) of which only one is above 0."""
    scores = np.zeros((len(best), classes))
    rows = np.arange(len(best))
    scores[rows, rows % classes] = best
    return scores


@all_finishes
@pytest.mark.parametrize("name", SIZES)
def test_objects_of_images_of_all_shapes(kernel_bench: KernelBench, kind: HeadKind, name: str) -> None:
    size, options = SIZES[name]
    spec = box_spec(kind, **options)
    scores = one_class_each(np.linspace(0.05, 0.95, box_rows(64)))
    found = compare(kernel_bench, spec, box_outputs(spec, scattered(box_rows(64), 64, 1), scores), size=size)
    assert len(found) > 5


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(BOX_KINDS),
    seed=st.integers(0, 2**32 - 1),
    dtype=st.sampled_from([TensorType.FLOAT32, TensorType.FLOAT16]),
    crowd=st.sampled_from([1, 4, 40]),
    score=st.sampled_from([0.0, 0.201, 0.503]),
    per_class=st.dictionaries(st.sampled_from(["class_0", "class_2"]), st.sampled_from([0.0, 0.307, 0.803, 1.0])),
    iou=st.sampled_from([0.0, 0.3, 0.45, 1.0]),
    most=st.sampled_from([1, 7, 300]),
    shape=st.sampled_from(list(SIZES)),
)
def test_objects_of_random_outputs(
    kernel_bench: KernelBench,
    kind: HeadKind,
    seed: int,
    dtype: TensorType,
    crowd: int,
    score: float,
    per_class: dict[str, float],
    iou: float,
    most: int,
    shape: str,
) -> None:
    """Boxes in clusters, and scores of which many are equal, those of several classes of one box too."""
    random = np.random.default_rng(seed)
    rows = box_rows(64)
    boxes = scattered(rows, 64, seed)[random.integers(0, max(rows // crowd, 1), rows)]
    boxes *= random.uniform(0.9, 1.1, boxes.shape)
    # Of a softmax, scores that only a rounding tells apart have no order that both must have.
    steps = 2**20 if kind is HeadKind.DETR_SOFTMAX else 64
    scores = random.integers(0, steps + 1, (rows, 3)) / steps * (0.33 if kind is HeadKind.DETR_SOFTMAX else 1)
    objectness = random.integers(0, 17, rows) / 16
    size, options = SIZES[shape]
    spec = box_spec(kind, dtype=dtype, **options)
    thresholds = Thresholds(score=score, per_class=per_class, nms_iou=iou, max_detections=most)
    compare(
        kernel_bench,
        spec,
        box_outputs(spec, boxes, scores, objectness=objectness, count=int(random.integers(0, rows + 1))),
        size=size,
        thresholds=thresholds,
    )


@all_kinds
@pytest.mark.parametrize("score", [0.0, 1.0], ids=["limit_0", "limit_1"])
def test_no_object_and_one(kernel_bench: KernelBench, kind: HeadKind, score: float) -> None:
    spec = box_spec(kind)
    scores = np.zeros((box_rows(64), 3))
    boxes = apart(box_rows(64), 64)
    nothing = compare(kernel_bench, spec, box_outputs(spec, boxes, scores), thresholds=Thresholds(score=score))
    # A sigmoid and a softmax never give 0.
    assert len(nothing) == (box_rows(64) if kind in EXPONENTIAL_KINDS and score == 0 else 0)
    scores[70, 2] = 1.0
    found = compare(kernel_bench, spec, box_outputs(spec, boxes, scores), thresholds=Thresholds(score=score))
    assert found.class_ids[:1].tolist() == ([2] if kind is not HeadKind.DETR_SOFTMAX or score < 1 else [])


@all_finishes
@pytest.mark.parametrize("count", [1024, 1025, MAX_CANDIDATES, MAX_CANDIDATES + 1, 5000])
def test_the_best_candidates_are_taken_when_there_are_too_many(
    kernel_bench: KernelBench, kind: HeadKind, count: int
) -> None:
    rows = box_rows(LARGE)
    best = np.zeros(rows)
    chosen = np.random.default_rng(count).permutation(rows)[:count]
    best[chosen] = 0.35 + np.random.default_rng(1).permutation(count) / 2 / count
    spec = box_spec(kind, size=LARGE)
    outputs = box_outputs(spec, apart(rows, LARGE), one_class_each(best))
    found = compare(kernel_bench, spec, outputs, thresholds=Thresholds(max_detections=10**6))
    assert len(found) == min(count, MAX_CANDIDATES)


@all_finishes
@pytest.mark.parametrize("crowd", [84, 5376], ids=["few", "too_many"])
def test_equal_scores_go_by_index(kernel_bench: KernelBench, kind: HeadKind, crowd: int) -> None:
    size = 64 if crowd == 84 else LARGE
    spec = box_spec(kind, size=size)
    outputs = box_outputs(spec, apart(crowd, size), one_class_each(np.full(crowd, 0.5)))
    found = compare(kernel_bench, spec, outputs, thresholds=Thresholds(max_detections=10**6))
    assert len(found) == min(crowd, MAX_CANDIDATES)
    assert (np.diff(found.class_ids) % 3 == 1).all()


@nms_kinds
@pytest.mark.parametrize("objects", [1, 30, 500], ids=lambda count: f"{count}_objects")
def test_of_crowds_one_box_an_object_and_class_remains(kernel_bench: KernelBench, kind: HeadKind, objects: int) -> None:
    random = np.random.default_rng(objects)
    rows = box_rows(LARGE)
    boxes = apart(objects, LARGE)[random.integers(0, objects, rows)] * random.uniform(0.999, 1.001, (rows, 4))
    spec = box_spec(kind, size=LARGE)
    outputs = box_outputs(spec, boxes, one_class_each(random.uniform(0.2, 1, rows)))
    found = compare(kernel_bench, spec, outputs, thresholds=Thresholds(score=0.25, max_detections=2000))
    assert len(found) <= 3 * objects
    assert objects > 30 or len(found) == 3 * objects


@all_finishes
@pytest.mark.parametrize("most", [1, 63, 64, 65, 300])
def test_no_more_detections_than_are_asked_for(kernel_bench: KernelBench, kind: HeadKind, most: int) -> None:
    spec = box_spec(kind, size=LARGE)
    rows = box_rows(LARGE)
    scores = one_class_each(np.linspace(0.2, 0.9, rows))
    outputs = box_outputs(spec, apart(rows, LARGE), scores)
    assert len(compare(kernel_bench, spec, outputs, thresholds=Thresholds(max_detections=most))) == most


@nms_kinds
def test_long_chains_of_overlaps(kernel_bench: KernelBench, kind: HeadKind) -> None:
    """Each box overlaps its neighbours only: every other one stays, which is told one after the other."""
    spec = box_spec(kind, size=LARGE)
    rows = box_rows(LARGE)
    boxes = np.full((rows, 4), 1.0)
    boxes[:300] = np.stack((10 + np.arange(300) * 1.5, np.full(300, 256), np.full(300, 5), np.full(300, 5)), axis=1)
    scores = np.zeros((rows, 3))
    scores[:300, 1] = np.linspace(0.9, 0.4, 300)
    found = compare(kernel_bench, spec, box_outputs(spec, boxes, scores))
    assert len(found) == 150


def pairs_at_the_limit(count: int, iou: float) -> NDArray[np.float64]:
    """Boxes of 3 to 9 px of which two each, on the same place, overlap by a little more or less than that."""
    random = np.random.default_rng(0)
    overlap = iou * (1 + random.uniform(-2, 2, count) * 1e-7)
    boxes = np.zeros((count, 2, 4))
    boxes[:, :, :2] = random.uniform(-0.5, 0.5, (count, 1, 2))
    boxes[:, :, 2:] = random.uniform(3, 9, (count, 1, 2))
    boxes[:, 1, 0] += (1 - overlap) / (1 + overlap) * boxes[:, 0, 2]
    return boxes.reshape(2 * count, 4)


@pytest.mark.parametrize("iou", [0.3, 0.45])  # as floats a little more, a little less
def test_overlaps_at_the_limit_are_judged_in_doubles(kernel_bench: KernelBench, iou: float) -> None:
    side, rows = 30, box_rows(LARGE)
    pairs = side * side
    boxes, scores = np.ones((rows, 4)), np.zeros((rows, 3))
    boxes[: 2 * pairs] = pairs_at_the_limit(pairs, iou)
    places = np.repeat(np.arange(pairs), 2)
    boxes[: 2 * pairs, :2] += np.stack((places % side * 17 + 6, places // side * 17 + 9), axis=1)
    scores[: 2 * pairs, 1] = np.linspace(0.9, 0.4, 2 * pairs)
    spec = box_spec(HeadKind.YOLOV8, size=LARGE)
    limits = Thresholds(nms_iou=iou, max_detections=10**6)
    found = compare(kernel_bench, spec, box_outputs(spec, boxes, scores), thresholds=limits)
    assert pairs < len(found) < 2 * pairs


@pytest.mark.parametrize("scale", [1e-22, 1e-9, 1e20], ids=lambda scale: f"{scale:g}")
def test_overlaps_of_boxes_whose_areas_floats_cannot_hold(kernel_bench: KernelBench, scale: float) -> None:
    """A pair of each class, all at the same place."""
    rows, pairs = box_rows(64), box_rows(64) // 2
    scores = np.zeros((rows, pairs))
    scores[np.arange(rows), np.arange(rows) // 2] = np.linspace(0.9, 0.4, rows)
    spec = box_spec(HeadKind.YOLOV8, classes=pairs)
    outputs = box_outputs(spec, pairs_at_the_limit(pairs, 0.45) * scale, scores)
    found = compare(kernel_bench, spec, outputs, thresholds=Thresholds(nms_iou=0.45))
    assert pairs < len(found) < rows


@all_kinds
@pytest.mark.parametrize("classes", [1, 80])
def test_any_number_of_classes_of_which_some_are_equally_likely(
    kernel_bench: KernelBench, kind: HeadKind, classes: int
) -> None:
    random = np.random.default_rng(classes)
    rows = box_rows(64)
    scores = np.zeros((rows, classes))
    best = random.uniform(0.2, 0.33, rows)
    for _ in range(3):
        scores[np.arange(rows), random.integers(0, classes, rows)] = best
    spec = box_spec(kind, classes=classes)
    outputs = box_outputs(spec, scattered(rows, 64, 3), scores)
    found = compare(kernel_bench, spec, outputs, thresholds=Thresholds(score=0.22))
    assert len(found) > 10


def test_objectness_below_the_limit_rules_out_whatever_its_class_scores(kernel_bench: KernelBench) -> None:
    rows = box_rows(64)
    spec = box_spec(HeadKind.YOLOV5)
    objectness = np.linspace(0.1, 1, rows)
    scores = one_class_each(np.full(rows, 4.0))
    outputs = box_outputs(spec, apart(rows, 64), scores, objectness=objectness)
    found = compare(kernel_bench, spec, outputs, thresholds=Thresholds(score=0.3))
    assert len(found) == np.count_nonzero(objectness >= 0.3)


@pytest.mark.parametrize("kind", [HeadKind.RTDETR_DEPLOY, HeadKind.EFFICIENT_NMS], ids=lambda kind: kind.value)
@pytest.mark.parametrize("dtype", [TensorType.INT8, TensorType.UINT8, TensorType.INT32, TensorType.INT64])
def test_class_numbers_of_any_width(kernel_bench: KernelBench, kind: HeadKind, dtype: TensorType) -> None:
    spec = box_spec(kind, class_dtype=dtype)
    scores = one_class_each(np.linspace(0.2, 0.9, box_rows(64)))
    assert len(compare(kernel_bench, spec, box_outputs(spec, apart(box_rows(64), 64), scores))) > 10


def test_of_a_sigmoid_as_many_go_on_as_there_are_queries_before_their_own_limits(kernel_bench: KernelBench) -> None:
    """All pairs reach the lowest limit, the best of them not that of their class: what they displaced stays away."""
    for size in (64, LARGE):
        rows = box_rows(size)
        spec = box_spec(HeadKind.DETR_SIGMOID, size=size)
        scores = np.stack((np.linspace(0.7, 0.9, rows), np.linspace(0.5, 0.69, rows), np.full(rows, 0.3)), axis=1)
        scores[: rows // 2, 0] = 0.1
        limits = Thresholds(score=0.2, per_class={"class_0": 1.0}, max_detections=10**6)
        found = compare(kernel_bench, spec, box_outputs(spec, apart(rows, size), scores), thresholds=limits)
        assert len(found) == min(rows // 2, MAX_CANDIDATES)
