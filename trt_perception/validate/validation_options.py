"""How a validation runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from trt_perception.bag.camera_sets import CameraSets
from trt_perception.errors import ConfigError
from trt_perception.pairing.pairing_options import PairingOptions
from trt_perception.thresholds import Thresholds
from trt_perception.validate.cluster_options import ClusterOptions

FLOOR = 0.05
"""Lowest score that is kept by default: low enough for the whole of a precision-recall curve that matters, and high
enough that a frame has tens of candidates, not hundreds."""


@dataclass(frozen=True, kw_only=True)
class ValidationOptions:
    """How a validation runs. All but `processes`, `cluster`, `overwrite` and `coco` change its results.

    Args:
        cameras: Which cameras; for a model of several inputs, which first cameras of sets. Default: all of the bags.
        sets: For a model of several inputs: the cameras of each run of the model, in the order of its inputs. Default:
            those that the cameras' names tell.
        pairing: How the frames of a set are put together.
        truth: A COCO file or a bag with the truth. None: the bags' own topics, where `own_truth` is set.
        own_truth: Whether the bags' own truth topics are used.
        score: Operating score: what is at least this is a detection.
        floor: Lowest score that is kept, for average precision; at most `score`.
        nms_iou: Boxes of one class that overlap more than this are one object.
        max_detections: Most detections of one frame and head.
        processes: Processes that run frames.
        cluster: The Ray whose tasks run frames, instead of processes of this one.
        overwrite: Whether an earlier run in the folder is replaced.
        coco: Whether truth and detections are written as COCO files, too.

    Raises:
        ConfigError: A value is out of range.
    """

    cameras: tuple[str, ...] = ()
    sets: CameraSets = ()
    pairing: PairingOptions = field(default_factory=PairingOptions)
    truth: Path | None = None
    own_truth: bool = True
    score: float = Thresholds().score
    floor: float = FLOOR
    nms_iou: float = Thresholds().nms_iou
    max_detections: int = Thresholds().max_detections
    processes: int = 1
    cluster: ClusterOptions | None = None
    overwrite: bool = False
    coco: bool = False

    def __post_init__(self) -> None:
        Thresholds(score=self.score, nms_iou=self.nms_iou, max_detections=self.max_detections)
        if not 0.0 <= self.floor <= 1.0:
            raise ConfigError("validate.floor", f"expected a number from 0 to 1, got {self.floor!r}")
        if self.processes < 1:
            raise ConfigError("validate.processes", f"expected at least 1, got {self.processes}")

    @property
    def pipeline_thresholds(self) -> Thresholds:
        """Limits of the pipeline: everything down to the floor."""
        return Thresholds(score=min(self.floor, self.score), nms_iou=self.nms_iou, max_detections=self.max_detections)
