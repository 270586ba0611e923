"""What an engine loses against FP32: zero for itself, the planned amount for a result that was changed by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from helpers.model_specs import model_spec

from trt_perception.detections import Detections
from trt_perception.errors import GateError
from trt_perception.model.model_spec import HeadKind, HeadSpec
from trt_perception.result import Result
from trt_perception.segmentation_mask import UNLABELLED, SegmentationMask
from trt_perception.validate.agreement import Agreement
from trt_perception.validate.agreement_limits import AgreementLimits
from trt_perception.validate.agreement_meter import AgreementMeter
from trt_perception.validate.detection_metrics import measure_detections
from trt_perception.validate.image_truth import ImageTruth
from trt_perception.validate.truth_of_image import TruthOfImage

pytest.importorskip("pycocotools", reason="average precision needs pycocotools")

LABELS = ("car", "truck")
HEADS = (
    *model_spec(HeadKind.YOLOX, (1, 3549, 7), labels=LABELS).heads,
    HeadSpec(name="mask", kind=HeadKind.SEMANTIC_LOGITS, outputs=("mask",), labels=("road", "lane")),
)
BOXES = HEADS[0].name


def result(scores: list[float], *, shift: float = 0.0, mask: list[list[int]] | None = None) -> Result:
    """Cars of 40 x 40 px, 100 px apart."""
    x = np.arange(len(scores)) * 100.0 + shift
    boxes = np.stack([x, np.zeros_like(x), x + 40, np.full_like(x, 40)], axis=1).astype(np.float32)
    found = Detections(boxes=boxes, scores=np.array(scores, np.float32), class_ids=np.zeros(len(scores), np.int32))
    return Result(heads={BOXES: found, "mask": SegmentationMask(class_ids=np.array(mask or [[0, 1]], np.uint8))})


def truth(count: int) -> TruthOfImage:
    found = result([1.0] * count).heads[BOXES]
    assert isinstance(found, Detections)
    objects = ImageTruth(boxes=found.boxes, class_ids=found.class_ids, ignored=np.zeros(count, np.bool_))
    return TruthOfImage(objects={BOXES: objects}, masks={"mask": np.array([[0, 1]], np.uint8)})


def agreement(reference: Result, tested: Result, known: TruthOfImage | None = None) -> Agreement:
    meter = AgreementMeter(HEADS)
    meter.add(reference, tested, known)
    return meter.agreement()


def test_a_result_agrees_with_itself() -> None:
    same = result([0.9, 0.5, 0.2])
    found = agreement(same, same, truth(2))
    boxes, mask = found.detections[0], found.masks[0]
    assert (boxes.objects, boxes.missed, boxes.new, boxes.pseudo_map50) == (2, 0, 0, 1.0)
    assert (boxes.map50_loss_points, boxes.map50_95_loss_points, mask.miou_loss_points) == (0.0, 0.0, 0.0)
    assert mask.pixel_agreement == 1.0
    found.require("the same")


def test_a_moved_box_is_missed_and_new() -> None:
    found = agreement(result([0.9, 0.8]), result([0.9, 0.8], shift=30)).detections[0]
    assert (found.missed, found.new, found.pseudo_map50) == (2, 2, 0.0)


def test_an_object_is_still_found_at_a_lower_score() -> None:
    assert agreement(result([0.36]), result([0.3])).detections[0].missed == 0
    assert agreement(result([0.36]), result([0.2])).detections[0].missed == 1


def test_losses_are_differences_of_average_precision() -> None:
    one, other, known = result([0.9, 0.8, 0.7]), result([0.9, 0.8, 0.7], shift=5), truth(3)
    found = agreement(one, other, known).detections[0]
    sides = []
    for side in (one, other):
        detections = side.heads[BOXES]
        assert isinstance(detections, Detections)
        sides.append(measure_detections([(detections, known.objects[BOXES])], labels=LABELS))
    assert sides[0].map50_95 is not None
    assert sides[1].map50_95 is not None
    assert found.map50_95_loss_points == pytest.approx(100 * (sides[0].map50_95 - sides[1].map50_95))
    assert found.map50_loss_points == 0.0


def test_masks_are_compared_pixel_by_pixel() -> None:
    wrong = result([], mask=[[1, UNLABELLED]])
    found = agreement(result([]), wrong, truth(0)).masks[0]
    assert found.pixel_agreement == 0.0
    assert found.reference == {"road": 1.0, "lane": 1.0}
    assert found.tested == {"road": 0.0, "lane": 0.0}
    assert found.miou_loss_points == 100.0


def test_objects_where_the_reference_has_none_do_not_pass() -> None:
    found = agreement(result([]), result([0.9]))
    assert found.detections[0].pseudo_map50 is None
    with pytest.raises(GateError, match="expected no object"):
        found.require("x.engine")


def test_the_error_names_what_was_tested_and_all_that_is_wrong() -> None:
    bad = agreement(result([0.9, 0.8]), result([0.9], mask=[[1, 0]]), truth(2))
    with pytest.raises(GateError, match=r"x\.engine is not good enough on 1 images") as caught:
        bad.require("x.engine")
    for text in ("mAP50 lost", "mAP50:95 lost", "1 are missed", "mean IoU lost", "same class"):
        assert text in str(caught.value)


def test_stated_limits_decide() -> None:
    wide = AgreementLimits(max_map_loss_points=100, max_miou_loss_points=100, min_pseudo_map50=0, min_pixel_agreement=0)
    meter = AgreementMeter(HEADS, wide)
    meter.add(result([0.9]), result([0.9], shift=30, mask=[[1, 0]]), truth(1))
    assert meter.agreement().failures == ()


def test_merged_meters_say_what_one_meter_says() -> None:
    images = [
        (result([0.9, 0.5]), result([0.9, 0.3], shift=3), truth(2)),
        (result([0.4]), result([], mask=[[0, 0]]), None),
        (result([]), result([0.6]), truth(1)),
    ]
    whole = AgreementMeter(HEADS)
    parts = [AgreementMeter(HEADS) for _ in images]
    for part, image in zip(parts, images, strict=True):
        whole.add(*image)
        part.add(*image)
    for part in parts[1:]:
        parts[0].merge(part)
    assert parts[0].agreement() == whole.agreement()


def test_results_of_another_model_are_refused() -> None:
    meter = AgreementMeter(HEADS)
    with pytest.raises(ValueError, match="expected detections"):
        meter.add(result([]), dataclasses.replace(result([]), heads={}))
    with pytest.raises(ValueError, match="differ in size"):
        meter.add(result([]), result([], mask=[[0, 1, 1]]))
