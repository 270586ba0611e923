"""The figures of a validation run: metrics.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trt_perception.errors import InputError
from trt_perception.options.from_mapping import from_mapping
from trt_perception.options.json_schema import to_plain
from trt_perception.validate.frame_ledger import LedgerMetrics
from trt_perception.validate.run_header import SCHEMA, RunModel, RunPairing, RunThresholds, without_pairing

KIND = "trt_perception.validation"


@dataclass(frozen=True, kw_only=True)
class SizeMetrics:
    """Objects of one size (COCO's: small below 32 x 32 px, large from 96 x 96 px); None where there are none."""

    objects: int
    map50: float | None
    map50_95: float | None


@dataclass(frozen=True, kw_only=True)
class LabelMetrics:
    """Objects of one class.

    Args:
        objects: Those that count.
        found: Of these, found at the operating score and IoU 0.5.
        missed: Of these, not found.
        false_alarms: Detections where there is no such object.
        detections: Detections at the operating score in all frames, those without truth included.
        map50: Average precision at IoU 0.5; None where no object counts.
        map50_95: Mean over IoU 0.50 to 0.95.
    """

    objects: int
    found: int
    missed: int
    false_alarms: int
    detections: int
    map50: float | None
    map50_95: float | None


@dataclass(frozen=True, kw_only=True)
class DetectionGroup:
    """Detections of one head over one group of frames.

    Args:
        images: Frames with truth: those that are evaluated.
        frames: Frames that were processed, with truth or not.
        detections: At the operating score, in all frames.
        objects: Those that count.
        ignored: Those that do not.
        map50: Mean over the classes that have objects.
        map50_95: The same over IoU 0.50 to 0.95.
        found: Objects found at the operating score and IoU 0.5.
        missed: Objects not found.
        false_alarms: Detections where there is no such object.
        precision: found / (found + false alarms); None where that is 0 / 0.
        recall: found / objects.
        by_size: ``small``, ``medium`` and ``large``.
        by_class: By label.
    """

    images: int
    frames: int
    detections: int
    objects: int
    ignored: int
    map50: float | None
    map50_95: float | None
    found: int
    missed: int
    false_alarms: int
    precision: float | None
    recall: float | None
    by_size: Mapping[str, SizeMetrics]
    by_class: Mapping[str, LabelMetrics]


@dataclass(frozen=True, kw_only=True)
class DetectionHeadMetrics:
    """One detection head: all frames, by camera, and by condition (where the bag tells it)."""

    labels: tuple[str, ...]
    all: DetectionGroup
    by_camera: Mapping[str, DetectionGroup]
    by_condition: Mapping[str, DetectionGroup]


@dataclass(frozen=True, kw_only=True)
class MaskGroup:
    """Masks of one head over one group of frames.

    Args:
        images: Frames with a true mask.
        pixels: Their pixels whose true class is known.
        miou: Mean over the classes that occur; None where none does.
        iou: Intersection over union by label; None where neither side has a pixel of it.
    """

    images: int
    pixels: int
    miou: float | None
    iou: Mapping[str, float | None]


@dataclass(frozen=True, kw_only=True)
class MaskHeadMetrics:
    """One mask head: all frames, by camera, and by condition."""

    labels: tuple[str, ...]
    all: MaskGroup
    by_camera: Mapping[str, MaskGroup]
    by_condition: Mapping[str, MaskGroup]


@dataclass(frozen=True, kw_only=True)
class BagMetrics:
    """One bag: name, earliest and latest log time in nanoseconds, messages of all topics."""

    name: str
    start_ns: int
    end_ns: int
    messages: int


@dataclass(frozen=True, kw_only=True)
class ValidationMetrics:
    """Everything that a run found out but times, which differ from run to run.

    Args:
        model: What was run.
        thresholds: Limits of its detections.
        truth: Where the truth is from: ``none``, ``topics``, ``coco`` or ``bag``.
        bags: In order of time.
        ledger: What became of every frame.
        detection: By detection head.
        masks: By mask head.
        warnings: What a reader of the figures must know.
        pairing: How frames of several cameras were put together; None for a model of one input.
    """

    schema: int = SCHEMA
    kind: str = KIND
    model: RunModel
    thresholds: RunThresholds
    truth: str
    bags: tuple[BagMetrics, ...]
    ledger: LedgerMetrics
    detection: Mapping[str, DetectionHeadMetrics]
    masks: Mapping[str, MaskHeadMetrics]
    warnings: tuple[str, ...] = ()
    pairing: RunPairing | None = None

    def to_plain(self) -> dict[str, object]:
        """For JSON."""
        return without_pairing(to_plain(self))

    @staticmethod
    def from_plain(data: object, *, where: str) -> ValidationMetrics:
        """Reads what `to_plain` made.

        Raises:
            InputError: It did not make this, or it is of a newer format.
        """
        kind = data.get("kind") if isinstance(data, Mapping) else None
        schema = data.get("schema") if isinstance(data, Mapping) else None
        if kind != KIND or schema != SCHEMA:
            raise InputError(
                f"{where}: expected the metrics.json of a validation, schema {SCHEMA}; got kind {kind!r}, "
                f"schema {schema!r}; make it with `trt-perception validate`"
            )
        return from_mapping(ValidationMetrics, data, where=where)
