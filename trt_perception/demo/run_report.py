"""Everything that a demo run found, for people and for machines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from trt_perception.demo.camera_report import CameraReport
from trt_perception.validate.detection_metrics import DetectionMetrics

SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """Quality against the drive's ground truth.

    Args:
        processed: Over the frames that have a result.
        all_frames: Over all frames that were sent; a dropped frame misses all its objects.
        iou: Intersection over union of each mask class over the processed frames; None where it never occurs.
    """

    processed: DetectionMetrics
    all_frames: DetectionMetrics
    iou: Mapping[str, float | None]


@dataclass(frozen=True, kw_only=True)
class RunReport:
    """One demo run.

    Args:
        model: Name of the model.
        backend: What ran it.
        source: What was played.
        cameras: Each camera's ledger.
        objects: Detections by label, over all cameras.
        accuracy: None where the source has no ground truth.
        ignore_rule: The rule by which objects were evaluated, in words.
    """

    model: str
    backend: str
    source: str
    cameras: Sequence[CameraReport]
    objects: Mapping[str, int]
    accuracy: Accuracy | None = None
    ignore_rule: str = ""
    schema: int = field(default=SCHEMA)

    def write_json(self, path: Path) -> None:
        """Write the report for machines."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")
