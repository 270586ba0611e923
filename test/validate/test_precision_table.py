"""Average precision over weighted frames, against pycocotools on frames that are really there that often."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.validation_records import make_detections
from hypothesis import given, settings
from hypothesis import strategies as st

from trt_perception.detections import Detections
from trt_perception.validate.detection_metrics import measure_detections
from trt_perception.validate.image_truth import ImageTruth
from trt_perception.validate.precision_table import PrecisionTable, mean_of_classes

pytest.importorskip("pycocotools", reason="pycocotools is not installed")

LABELS = ("car", "truck")
Pair = tuple[Detections, ImageTruth]


@st.composite
def frames(draw: st.DrawFn) -> list[Pair]:
    """A few frames; scores are all different, because COCO leaves open how ties fall."""
    count = draw(st.integers(1, 5))
    scores = iter(draw(st.permutations([round(0.01 * number, 2) for number in range(5, 95)])))
    result = []
    for _ in range(count):
        boxes = draw(st.lists(st.tuples(*[st.integers(0, 40)] * 2, *[st.integers(5, 60)] * 2), max_size=4))
        truth = [[float(x), float(y), float(x + w), float(y + h)] for x, y, w, h in boxes]
        rows = []
        for box in truth:
            shift = draw(st.integers(0, 12))
            if draw(st.booleans()):
                rows.append(([box[0] + shift, box[1], box[2] + shift, box[3]], next(scores), draw(st.integers(0, 1))))
        if draw(st.booleans()):
            rows.append(([300.0, 300.0, 340.0, 330.0], next(scores), draw(st.integers(0, 1))))
        result.append((
            make_detections(rows),
            ImageTruth(
                boxes=np.array(truth, np.float32).reshape(-1, 4),
                class_ids=np.array([draw(st.integers(0, 1)) for _ in truth], np.int32),
                ignored=np.array([draw(st.integers(0, 3)) == 0 for _ in truth], np.bool_),
            ),
        ))  # fmt: skip
    return result


@settings(max_examples=40)
@given(frames(), st.data())
def test_a_weighted_frame_counts_as_often_as_its_weight(pairs: list[Pair], data: st.DataObject) -> None:
    weights = data.draw(st.lists(st.integers(0, 3), min_size=len(pairs), max_size=len(pairs)))
    table = PrecisionTable(pairs, np.arange(len(pairs)), class_count=2)
    at_half, over_all = table.class_precision(np.array([weights], np.int64))
    repeated = [pair for pair, weight in zip(pairs, weights, strict=True) for _ in range(weight)]
    expected = measure_detections(repeated, labels=LABELS)
    for index, label in enumerate(LABELS):
        of_class = expected.by_class[label]
        assert at_half[0, index] == pytest.approx(np.nan if of_class.map50 is None else of_class.map50, nan_ok=True)
        assert over_all[0, index] == pytest.approx(
            np.nan if of_class.map50_95 is None else of_class.map50_95, nan_ok=True
        )
    mean = float(mean_of_classes(at_half)[0])
    assert mean == pytest.approx(np.nan if expected.map50 is None else expected.map50, nan_ok=True)


def test_many_draws_at_once_are_the_same_as_one_by_one() -> None:
    rng = np.random.default_rng(0)
    pairs = []
    for _ in range(6):
        boxes = rng.uniform(0, 50, (4, 2)).astype(np.float32)
        boxes = np.concatenate([boxes, boxes + 20], axis=1)
        found = [((box + rng.normal(0, 3, 4)).tolist(), float(rng.uniform(0.1, 0.9)), 0) for box in boxes]
        pairs.append((
            make_detections(found),
            ImageTruth(boxes=boxes, class_ids=np.zeros(4, np.int32), ignored=np.zeros(4, np.bool_)),
        ))  # fmt: skip
    table = PrecisionTable(pairs, np.arange(6), class_count=1)
    weights = rng.integers(0, 3, (20, 6))
    together = table.class_precision(weights)
    for row in range(20):
        alone = table.class_precision(weights[row : row + 1])
        assert alone[0][0] == pytest.approx(together[0][row], nan_ok=True)
        assert alone[1][0] == pytest.approx(together[1][row], nan_ok=True)
