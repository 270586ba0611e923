"""The drive's ground truth in the form of bags and COCO files."""

from __future__ import annotations

from trt_perception.bag.true_objects import TrueObjects
from trt_perception.demo.classes import CLASS_NAMES
from trt_perception.demo.ground_truth import GroundTruth
from trt_perception.demo.ignore_rule import IgnoreRule


def true_objects(truth: GroundTruth, *, rule: IgnoreRule | None = None) -> TrueObjects:
    """The objects of one image; those that the rule does not evaluate are ignored.

    Args:
        truth: The drive's truth of one camera at one instant.
        rule: Which objects are evaluated. Default: IgnoreRule().
    """
    return TrueObjects(
        boxes=truth.boxes,
        labels=tuple(CLASS_NAMES[class_id] for class_id in truth.class_ids.tolist()),
        track_ids=tuple(str(track_id) for track_id in truth.track_ids.tolist()),
        visible_fraction=truth.visible_fraction,
        truncation=truth.truncation,
        ignored=~(rule or IgnoreRule()).evaluated(truth),
    )
