"""What a validation run was of: the first line of frames.jsonl."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trt_perception.errors import InputError
from trt_perception.options.from_mapping import from_mapping
from trt_perception.options.json_schema import to_plain
from trt_perception.pairing.pairing_options import IncompleteSet, PairingOptions

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
class RunPairing:
    """How the frames of a model's inputs were put together.

    Args:
        sets: Cameras of each run of the model, in the order of its inputs; results are of the first.
        tolerance_ms: Most difference of the stamps of a set.
        deadline_ms: Age up to which an earlier frame stands in, where that is more than the tolerance.
        incomplete: What became of an incomplete set: ``drop`` or ``latest``.
    """

    sets: tuple[tuple[str, ...], ...]
    tolerance_ms: float
    deadline_ms: float
    incomplete: str

    @property
    def partners(self) -> frozenset[str]:
        """Cameras that have no results of their own."""
        return frozenset(camera for cameras in self.sets for camera in cameras[1:])

    @property
    def stands_in(self) -> bool:
        """Whether earlier frames stand in."""
        return self.incomplete == IncompleteSet.LATEST.value

    @property
    def stand_in_ms(self) -> float:
        """How old a frame may be that stands in."""
        return max(self.tolerance_ms, self.deadline_ms)

    def options(self) -> PairingOptions:
        """The same as options of the pairing."""
        return PairingOptions(
            tolerance_ms=self.tolerance_ms, deadline_ms=self.deadline_ms, incomplete=IncompleteSet(self.incomplete)
        )

    def __str__(self) -> str:
        names = ", ".join(" + ".join(cameras) for cameras in self.sets)
        rest = f"completed with frames up to {self.stand_in_ms:g} ms old" if self.stands_in else "dropped"
        return f"{names}; stamps within {self.tolerance_ms:g} ms, incomplete sets {rest}"


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
    """What a run was of, and of what kind its truth is: ``none``, ``topics``, ``coco`` or ``bag``.

    `pairing` is None for a model of one input.
    """

    schema: int = SCHEMA
    model: RunModel
    thresholds: RunThresholds
    truth: str
    heads: Mapping[str, RunHead]
    bags: tuple[RunBag, ...] = ()
    pairing: RunPairing | None = None

    @property
    def partners(self) -> frozenset[str]:
        """Cameras that have no results of their own: the others of every set."""
        return frozenset() if self.pairing is None else self.pairing.partners

    def to_plain(self) -> dict[str, object]:
        """For JSON."""
        return without_pairing(to_plain(self))

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


def without_pairing(plain: dict[str, Any]) -> dict[str, Any]:
    """Without the key `pairing` where it says nothing: models of one input leave what they always left."""
    if plain["pairing"] is None:
        del plain["pairing"]
    return plain
