"""What a validation run was of: the first line of frames.jsonl."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trt_perception.errors import InputError
from trt_perception.options.from_mapping import from_mapping
from trt_perception.options.json_schema import to_plain

SCHEMA = 1
"""Of metrics.json and frames.jsonl. History: 1, the first."""


@dataclass(frozen=True, kw_only=True)
class RunModel:
    """What was run.

    Args:
        name: Name of the model.
        sha256: Digest of its file.
        spec_sha256: Digest of what its YAML says: preprocessing, heads, labels.
        backend: Runtime and version, e.g. ``onnxruntime 1.20.1``.
        precision: Name of the precision plan where an engine's manifest tells it; None elsewhere.
    """

    name: str
    sha256: str
    spec_sha256: str
    backend: str
    precision: str | None = None


@dataclass(frozen=True, kw_only=True)
class RunThresholds:
    """Limits of the run's detections.

    Args:
        score: Operating score: what is at least this is a detection, in the bag of detections and in the counts.
        floor: Lowest score that is kept; mean average precision looks at all of these.
        nms_iou: Boxes of one class that overlap more than this are one object.
        max_detections: Most detections of one frame and head.
    """

    score: float
    floor: float
    nms_iou: float
    max_detections: int


@dataclass(frozen=True, kw_only=True)
class RunHead:
    """One head: its labels, and whether it detects or gives masks."""

    labels: tuple[str, ...]
    is_detection: bool


@dataclass(frozen=True, kw_only=True)
class RunCamera:
    """One camera of one bag.

    Args:
        topic: Its image topic.
        frames: Messages of that topic, as the bag counts them.
        truth_without_frame: True images for which the bag has no frame.
    """

    topic: str
    frames: int
    truth_without_frame: int = 0


@dataclass(frozen=True, kw_only=True)
class RunBag:
    """One bag.

    Args:
        name: Its name; unique in a run.
        start_ns: Earliest log time.
        end_ns: Latest log time.
        messages: Messages of all topics.
        cameras: Those that were run, by name.
        unread: Topics of video packets, whose pictures cannot be read.
    """

    name: str
    start_ns: int
    end_ns: int
    messages: int
    cameras: Mapping[str, RunCamera]
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RunHeader:
    """What a run was of, and of what kind its truth is: ``none``, ``topics``, ``coco`` or ``bag``."""

    schema: int = SCHEMA
    model: RunModel
    thresholds: RunThresholds
    truth: str
    heads: Mapping[str, RunHead]
    bags: tuple[RunBag, ...] = ()

    def to_plain(self) -> dict[str, object]:
        """For JSON."""
        plain: dict[str, object] = to_plain(self)
        return plain

    @staticmethod
    def from_plain(data: object, *, where: str) -> RunHeader:
        """Reads what `to_plain` made.

        Raises:
            InputError: It did not make this, or it is of a newer format.
        """
        found = data.get("schema") if isinstance(data, Mapping) else None
        if found != SCHEMA:
            raise InputError(f"{where}: expected a validation run of schema {SCHEMA}, got {found!r}; run it again")
        return from_mapping(RunHeader, data, where=where)
