"""The summary of an evaluation, against figures worked out by hand."""

from __future__ import annotations

import numpy as np

from training.evaluated_image import EvaluatedImage, evaluated_image
from training.metrics import headline, summarize
from trt_perception.demo.ground_truth import GroundTruth
from trt_perception.detections import Detections


def _image(*, found: bool, condition: str) -> EvaluatedImage:
    """A car of 40 x 40 px, a pedestrian below the size that counts, and a mask of which half is right."""
    boxes = np.array([[10, 10, 50, 50], [60, 10, 65, 20]], np.float32)
    mask = np.zeros((4, 4), np.uint8)
    mask[2:] = 1
    truth = GroundTruth(
        boxes=boxes,
        class_ids=np.array([0, 3], np.int32),
        track_ids=np.arange(2),
        visible_fraction=np.ones(2, np.float32),
        truncation=np.zeros(2, np.float32),
        mask=mask,
        boxes_3d=np.zeros((2, 7), np.float32),
    )
    predicted = np.zeros((4, 4), np.uint8)
    predicted[3:] = 1
    detections = Detections(
        boxes=boxes[:1], scores=np.array([0.9], np.float32), class_ids=np.array([0 if found else 1], np.int32)
    )
    return evaluated_image(detections, predicted, truth, condition)


def test_summary_over_all_and_by_condition() -> None:
    metrics = summarize([_image(found=True, condition="day"), _image(found=False, condition="night")])
    assert metrics["pictures"] == 2
    assert metrics["objects"] == 2  # the pedestrian is ignored
    assert metrics["per_condition"]["day"]["map50"] == 1.0
    assert metrics["per_condition"]["night"]["map50"] == 0.0
    assert list(metrics["per_condition"]) == ["day", "night"]
    # Recall 0.5 at full precision: 51 of the 101 recall points.
    assert metrics["map50"] == round(51 / 101, 4)
    assert metrics["iou"] == {"background": round(8 / 12, 4), "drivable": 0.5, "lane": None}
    assert metrics["per_class"]["pedestrian"] == {"objects": 0, "map50": None, "map50_95": None}


def test_headline_shows_a_dash_for_what_is_unknown() -> None:
    metrics = summarize([_image(found=True, condition="day")])
    assert headline(metrics) == "mAP50 1.000  mAP50:95 1.000  drivable IoU 0.500  lane IoU -  (1 pictures)"
