"""The NumPy average precision gives pycocotools' figures."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import Generator

from training.numpy_detection_metrics import measure_detections_numpy
from trt_perception.detections import Detections
from trt_perception.validate.detection_metrics import measure_detections
from trt_perception.validate.image_truth import ImageTruth

pytest.importorskip("pycocotools", reason="pycocotools is the reference here")
LABELS = ("car", "bus", "animal", "never")


def _boxes(random: Generator, count: int) -> np.ndarray:
    low = random.uniform(0, 300, (count, 2))
    return np.concatenate((low, low + random.uniform(10, 120, (count, 2))), 1).astype(np.float32)


def _pair(random: Generator) -> tuple[Detections, ImageTruth]:
    count = int(random.integers(0, 12))
    boxes = _boxes(random, count)
    classes = random.integers(0, 3, count).astype(np.int32)
    found = [box + random.normal(0, 6, 4).astype(np.float32) for box in boxes for _ in range(random.integers(0, 3))]
    extra = _boxes(random, int(random.integers(0, 6)))
    all_boxes = np.concatenate((np.array(found, np.float32).reshape(-1, 4), extra))
    all_boxes[:, 2:] = np.maximum(all_boxes[:, 2:], all_boxes[:, :2] + 1)
    order = random.permutation(len(all_boxes))
    detections = Detections(
        boxes=all_boxes[order],
        scores=np.sort(random.uniform(0.01, 1, len(order)).astype(np.float32))[::-1],
        class_ids=random.choice([*classes, 0], len(order)).astype(np.int32),
    )
    return detections, ImageTruth(boxes=boxes, class_ids=classes, ignored=random.random(count) < 0.3)


@pytest.mark.parametrize("seed", range(5))
def test_figures_equal_those_of_pycocotools(seed: int) -> None:
    random = np.random.default_rng(seed)
    pairs = [_pair(random) for _ in range(25)]
    ours, reference = measure_detections_numpy(pairs, labels=LABELS), measure_detections(pairs, labels=LABELS)
    assert ours.images == reference.images
    assert ours.map50 == pytest.approx(reference.map50, abs=1e-9)
    assert ours.map50_95 == pytest.approx(reference.map50_95, abs=1e-9)
    for label in LABELS:
        assert ours.by_class[label].objects == reference.by_class[label].objects
        assert ours.by_class[label].map50_95 == pytest.approx(reference.by_class[label].map50_95, abs=1e-9)


@pytest.mark.parametrize(
    ("box", "ignored", "map50"),
    [
        pytest.param([10, 10, 50, 50], False, 1.0, id="found"),
        pytest.param([60, 60, 90, 90], False, 0.0, id="missed"),
        pytest.param([10, 10, 50, 50], True, None, id="only_ignored"),
    ],
)
def test_one_object(box: list[int], ignored: bool, map50: float | None) -> None:
    detections = Detections(
        boxes=np.array([box], np.float32), scores=np.array([0.9], np.float32), class_ids=np.zeros(1, np.int32)
    )
    truth = ImageTruth(
        boxes=np.array([[10, 10, 50, 50]], np.float32), class_ids=np.zeros(1, np.int32), ignored=np.array([ignored])
    )
    assert measure_detections_numpy([(detections, truth)], labels=("car",)).map50 == map50


def test_no_pictures_give_no_figure() -> None:
    metrics = measure_detections_numpy([], labels=LABELS)
    assert metrics.map50 is None
    assert metrics.images == 0
