"""What became of one frame of a validation run: one line of frames.jsonl."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trt_perception.detections import Detections
from trt_perception.errors import DropReason, FrameError

FALSE_ALARM = -1
"""Of a detection: there is no such object."""
ON_IGNORED = -2
"""Of a detection: it lies on an ignored object and counts neither way."""
BELOW_SCORE = -3
"""Of a detection: its score is below the operating score."""
NOT_FOUND = -1
"""Of an object: no detection is it."""
NOT_KNOWN = -2
"""Of an object: its class is none of the head's; it is not evaluated."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RecordTruth:
    """The objects that are really in one frame.

    Args:
        labels: n class names, whether the model knows them or not.
        boxes: float32 (n, 4), x1 y1 x2 y2 in px.
        ignored: bool (n,). An ignored object is neither missed when not found, nor is a detection on it false.
        track_ids: n names of tracks, empty where there are none.
    """

    labels: tuple[str, ...]
    boxes: NDArray[np.float32] = field(repr=False)
    ignored: NDArray[np.bool_]
    track_ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class RecordMatches:
    """Which detection is which object, at the operating score and IoU 0.5.

    Args:
        found: int32 (detections,): index of the true object, or FALSE_ALARM, ON_IGNORED, BELOW_SCORE.
        objects: int32 (objects,): index of the detection, or NOT_FOUND, NOT_KNOWN.
    """

    found: NDArray[np.int32]
    objects: NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class RecordPartner:
    """A frame of another camera that the model was given with a frame.

    Args:
        camera: Name of the other camera.
        stamp_ns: Stamp of its image's header, nanoseconds.
        log_time_ns: When the recorder received it, nanoseconds.
        again: Whether it is accounted for elsewhere: an earlier set had it, and it stands in for a missing one here.
    """

    camera: str
    stamp_ns: int
    log_time_ns: int
    again: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class FrameRecord:
    """One frame of a bag: processed, or skipped for a reason.

    Args:
        bag: Name of the bag in the run.
        camera: Name of the camera.
        stamp_ns: Stamp of the image's header, nanoseconds; None where the message is too damaged to have one.
        log_time_ns: When the recorder received it, nanoseconds.
        condition: Light and weather; empty where the bag does not say.
        width: Pixels in a row; 0 where that is not known.
        height: Rows of pixels.
        skipped: Why there is no result; None where there is one.
        problem: The same in a sentence.
        detections: By head, those above the floor, best first.
        truth: None where nobody knows what is in the frame; then it is not evaluated.
        matches: By detection head; empty without truth.
        confusion: By mask head: int64 (m, 3) of true class id, predicted class id (the number of classes: none), and
            pixels, the cells that are not zero. A head without a true mask is not named.
        partners: Of a model of several inputs: the frames of its other inputs, in their order. They have no record of
            their own.
    """

    bag: str
    camera: str
    stamp_ns: int | None
    log_time_ns: int
    condition: str = ""
    width: int = 0
    height: int = 0
    skipped: DropReason | None = None
    problem: str = ""
    detections: Mapping[str, Detections] = field(default_factory=dict)
    truth: RecordTruth | None = None
    matches: Mapping[str, RecordMatches] = field(default_factory=dict)
    confusion: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)
    partners: tuple[RecordPartner, ...] = ()

    @property
    def frame_count(self) -> int:
        """Frames of the bag for which the record accounts: its own, and the partners that no other record has."""
        return 1 + sum(not partner.again for partner in self.partners)

    def without_result(self, error: FrameError) -> FrameRecord:
        """The record of the frame as one that was skipped."""
        return replace(self, skipped=error.reason, problem=str(error).removeprefix(f"{error.reason.value}: "))

    def to_plain(self) -> dict[str, Any]:
        """For JSON; `from_plain` gives an equal record, to the bit."""
        plain = {
            "bag": self.bag,
            "camera": self.camera,
            "stamp_ns": self.stamp_ns,
            "log_time_ns": self.log_time_ns,
            "condition": self.condition,
            "width": self.width,
            "height": self.height,
            "skipped": None if self.skipped is None else self.skipped.value,
            "problem": self.problem,
            "detections": {head: _plain_detections(found) for head, found in self.detections.items()},
            "truth": None if self.truth is None else _plain_truth(self.truth),
            "matches": {
                head: {"found": match.found.tolist(), "objects": match.objects.tolist()}
                for head, match in self.matches.items()
            },
            "confusion": {head: cells.tolist() for head, cells in self.confusion.items()},
        }
        # Only where there are any, so that the lines of models of one input are what they always were.
        return plain | ({"partners": [asdict(partner) for partner in self.partners]} if self.partners else {})

    @staticmethod
    def from_plain(data: Mapping[str, Any]) -> FrameRecord:
        """Reads what `to_plain` made.

        Raises:
            KeyError, TypeError, ValueError: It did not make this.
        """
        truth = data["truth"]
        return FrameRecord(
            bag=data["bag"],
            camera=data["camera"],
            stamp_ns=data["stamp_ns"],
            log_time_ns=data["log_time_ns"],
            condition=data["condition"],
            width=data["width"],
            height=data["height"],
            skipped=None if data["skipped"] is None else DropReason(data["skipped"]),
            problem=data["problem"],
            detections={head: _detections(found) for head, found in data["detections"].items()},
            truth=None if truth is None else _truth(truth),
            matches={
                head: RecordMatches(
                    found=np.array(match["found"], np.int32), objects=np.array(match["objects"], np.int32)
                )
                for head, match in data["matches"].items()
            },
            confusion={head: np.array(cells, np.int64).reshape(-1, 3) for head, cells in data["confusion"].items()},
            partners=tuple(RecordPartner(**partner) for partner in data.get("partners", ())),
        )


def _plain_detections(found: Detections) -> dict[str, Any]:
    return {
        "class_ids": found.class_ids.tolist(),
        "scores": _short(found.scores),
        "boxes": _short(found.boxes),
    }


def _detections(data: Mapping[str, Any]) -> Detections:
    return Detections(
        boxes=_float32(data["boxes"]).reshape(-1, 4),
        scores=_float32(data["scores"]),
        class_ids=np.array(data["class_ids"], np.int32),
    )


def _plain_truth(truth: RecordTruth) -> dict[str, Any]:
    return {
        "labels": list(truth.labels),
        "boxes": _short(truth.boxes),
        "ignored": truth.ignored.astype(int).tolist(),
        "track_ids": list(truth.track_ids),
    }


def _truth(data: Mapping[str, Any]) -> RecordTruth:
    return RecordTruth(
        labels=tuple(data["labels"]),
        boxes=_float32(data["boxes"]).reshape(-1, 4),
        ignored=np.array(data["ignored"], np.bool_),
        track_ids=tuple(data["track_ids"]),
    )


def _short(values: NDArray[np.float32]) -> Any:
    """Numbers with the fewest digits that give the float32 back."""
    return values.astype("U32").astype(np.float64).tolist()


def _float32(values: list[Any]) -> NDArray[np.float32]:
    return np.array(values, np.float64).astype(np.float32)
