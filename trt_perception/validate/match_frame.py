"""Which detection of one frame is which true object."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trt_perception.detections import Detections
from trt_perception.validate.frame_record import (
    BELOW_SCORE,
    FALSE_ALARM,
    NOT_FOUND,
    NOT_KNOWN,
    ON_IGNORED,
    RecordMatches,
    RecordTruth,
)
from trt_perception.validate.image_truth import ImageTruth
from trt_perception.validate.match_objects import box_iou

MATCH_IOU = 0.5


def truth_of_head(truth: RecordTruth, labels: tuple[str, ...]) -> tuple[ImageTruth, NDArray[np.intp]]:
    """The objects of the classes that a head knows, and which objects of the record they are."""
    ids = {label: class_id for class_id, label in enumerate(labels)}
    kept = np.array([index for index, label in enumerate(truth.labels) if label in ids], np.intp)
    class_ids = np.array([ids[truth.labels[index]] for index in kept], np.int32)
    return ImageTruth(boxes=truth.boxes[kept], class_ids=class_ids, ignored=truth.ignored[kept]), kept


def match_frame(found: Detections, truth: RecordTruth, *, labels: tuple[str, ...], score: float) -> RecordMatches:
    """Matches as COCO does at IoU 0.5: the best score chooses first, and takes the free object that it overlaps most.

    A detection that has no object of its own, and of whose area at least half lies on an ignored object of its class,
    counts neither way.

    Args:
        found: Best score first.
        truth: The objects.
        labels: The head's labels.
        score: Detections below it take no part.
    """
    image, kept = truth_of_head(truth, labels)
    overlap = _overlap(found, image)
    free = ~image.ignored
    of_detection = np.full(len(found), FALSE_ALARM, np.int32)
    of_object = np.full(len(truth.labels), NOT_KNOWN, np.int32)
    of_object[kept] = NOT_FOUND
    for index in range(len(found)):
        if found.scores[index] < np.float32(score):
            of_detection[index] = BELOW_SCORE
            continue
        candidates = np.where(free, overlap[index], 0.0)
        if candidates.size and candidates.max() >= MATCH_IOU:
            best = int(candidates.argmax())
            free[best] = False
            of_detection[index] = kept[best]
            of_object[kept[best]] = index
        elif bool((overlap[index][image.ignored] >= MATCH_IOU).any()):
            of_detection[index] = ON_IGNORED
    return RecordMatches(found=of_detection, objects=of_object)


def _overlap(found: Detections, image: ImageTruth) -> NDArray[np.float32]:
    """IoU, or with ignored objects the share of the detection's area; 0 where the classes differ."""
    overlap = box_iou(found.boxes, image.boxes)
    if image.ignored.any():
        on_ignored = image.boxes[image.ignored]
        low = np.maximum(found.boxes[:, None, :2], on_ignored[None, :, :2])
        high = np.minimum(found.boxes[:, None, 2:], on_ignored[None, :, 2:])
        common = (high - low).clip(0).prod(axis=2)
        area = (found.boxes[:, 2:] - found.boxes[:, :2]).prod(axis=1)[:, None]
        overlap[:, image.ignored] = np.divide(common, area, out=np.zeros_like(common), where=area > 0)
    overlap[found.class_ids[:, None] != image.class_ids[None, :]] = 0.0
    return overlap
