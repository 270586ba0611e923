"""Average precision against cases that can be reckoned by hand."""

from __future__ import annotations

import numpy as np
import pytest

from trt_perception.detections import Detections
from trt_perception.validate.detection_metrics import measure_detections
from trt_perception.validate.image_truth import ImageTruth

pytest.importorskip("pycocotools", reason="pycocotools is not installed")

LABELS = ("car", "truck")
Box = list[float]


def detections(*rows: tuple[Box, float, int]) -> Detections:
    return Detections(
        boxes=np.array([row[0] for row in rows], np.float32).reshape(-1, 4),
        scores=np.array([row[1] for row in rows], np.float32),
        class_ids=np.array([row[2] for row in rows], np.int32),
    )


def truth(*rows: tuple[Box, int, bool]) -> ImageTruth:
    return ImageTruth(
        boxes=np.array([row[0] for row in rows], np.float32).reshape(-1, 4),
        class_ids=np.array([row[1] for row in rows], np.int32),
        ignored=np.array([row[2] for row in rows], np.bool_),
    )


A, B, C = [0.0, 0, 100, 100], [200.0, 0, 260, 60], [300.0, 300, 340, 340]


def test_perfect_detections_score_one() -> None:
    metrics = measure_detections(
        [(detections((A, 0.9, 0), (B, 0.8, 1)), truth((A, 0, False), (B, 1, False)))], labels=LABELS
    )
    assert metrics.map50 == pytest.approx(1.0)
    assert metrics.map50_95 == pytest.approx(1.0)
    assert metrics.by_class["car"].objects == 1


def test_a_box_of_iou_point_six_counts_at_three_of_ten_thresholds() -> None:
    wide = [0.0, 0, 100, 60]  # IoU with A: 0.6, so right at 0.50 and 0.55 and (just) at 0.60
    metrics = measure_detections([(detections((wide, 0.9, 0)), truth((A, 0, False)))], labels=LABELS)
    assert metrics.map50 == pytest.approx(1.0)
    assert metrics.map50_95 == pytest.approx(0.3)


def test_a_better_scored_false_box_halves_the_precision() -> None:
    metrics = measure_detections([(detections((C, 0.95, 0), (A, 0.9, 0)), truth((A, 0, False)))], labels=LABELS)
    assert metrics.map50 == pytest.approx(0.5)


@pytest.mark.parametrize(
    "found",
    [
        pytest.param([(A, 0.9, 0)], id="ignored_not_found"),
        pytest.param([(A, 0.9, 0), (C, 0.95, 0)], id="ignored_found"),
    ],
)
def test_an_ignored_object_counts_neither_way(found: list[tuple[Box, float, int]]) -> None:
    metrics = measure_detections([(detections(*found), truth((A, 0, False), (C, 0, True)))], labels=LABELS)
    assert metrics.map50 == pytest.approx(1.0)
    assert metrics.by_class["car"].objects == 1


def test_an_empty_image_with_a_false_box_lowers_the_precision() -> None:
    pairs = [(detections((A, 0.9, 0)), truth((A, 0, False))), (detections((A, 0.95, 0)), truth())]
    assert measure_detections(pairs, labels=LABELS).map50 == pytest.approx(0.5)


def test_nothing_found_scores_zero() -> None:
    assert measure_detections([(detections(), truth((A, 0, False)))], labels=LABELS).map50 == 0.0


def test_no_object_anywhere_has_no_score() -> None:
    metrics = measure_detections([(detections((A, 0.9, 0)), truth())], labels=LABELS)
    assert metrics.map50 is None
    assert metrics.images == 1
    assert metrics.by_class["truck"].map50 is None
