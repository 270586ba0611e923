"""What came of comparing a live node's results with those of an offline run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from trt_perception.errors import DropReason, GateError
from trt_perception.options.json_schema import to_plain
from trt_perception.validate.live_tolerance import LiveTolerance

SCHEMA = 1
"""Of comparison.json. History: 1, the first."""


class ProblemKind(str, Enum):
    """What does not agree. The values are the words of comparison.json."""

    MOVED = "moved"
    """A box is elsewhere."""
    SCORE = "score"
    """A box has another score."""
    LABEL = "label"
    """A box has another class."""
    ONLY_LIVE = "only_live"
    """A box that the offline run does not have."""
    ONLY_OFFLINE = "only_offline"
    """A box that the live node did not publish."""
    MASK = "mask"
    """Too many pixels have another class, or the mask another size."""
    HEADER = "header"
    """Another frame_id, or a detection whose header is not its array's."""
    DAMAGED = "damaged"
    """A message that is not of its type."""
    TWICE = "twice"
    """Two answers to one frame."""
    NO_HEAD = "no_head"
    """A frame was answered by one head and not by another."""
    NO_TOPIC = "no_topic"
    """The recording has none of a camera's results."""
    UNEXPLAINED = "unexplained"
    """The offline run has the frame, the live node neither answered nor dropped it."""
    DROPPED_AS_UNUSABLE = "dropped_as_unusable"
    """The live node dropped for the image's own sake, or failed on, a frame that the offline run could use."""
    SKIPPED_OFFLINE = "skipped_offline"
    """The live node answered a frame that the offline run skipped."""
    NOT_IN_RUN = "not_in_run"
    """The live node had a frame that the offline run does not have."""
    NOTHING_COMPARED = "nothing_compared"
    """No frame was answered on both sides."""


@dataclass(frozen=True, kw_only=True)
class LiveProblem:
    """One thing that does not agree.

    Args:
        kind: What.
        camera: The camera; empty: all of them.
        head: The head; empty where it concerns the frame.
        stamp_ns: Stamp of the frame, nanoseconds; None where it concerns all frames.
        text: The same in words, with both sides' figures.
    """

    kind: ProblemKind
    camera: str = ""
    head: str = ""
    stamp_ns: int | None = None
    text: str


@dataclass(frozen=True, kw_only=True)
class DroppedFrame:
    """One frame that the live node dropped, and why."""

    camera: str
    stamp_ns: int
    reason: DropReason


@dataclass(frozen=True, kw_only=True)
class CameraAccount:
    """One camera's frames: frames = compared + dropped + not played + skipped + unanswered.

    Args:
        camera: Its name in the offline run.
        frames: Of the offline run, those that it skipped included.
        compared: Answered on both sides.
        differing: Of these, frames in which something does not agree.
        dropped: Frames that the live node dropped by reason.
        not_played: Frames that the player never sent.
        skipped: Frames that the offline run skipped by reason.
        unanswered: Frames without an answer and without an explanation.
    """

    camera: str
    frames: int
    compared: int
    differing: int
    dropped: Mapping[str, int] = field(default_factory=dict)
    not_played: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    unanswered: int = 0


@dataclass(frozen=True, kw_only=True)
class LargestDifferences:
    """The largest differences inside the tolerance.

    Args:
        boxes: Boxes that are the same on both sides.
        pixels: Distance of an edge.
        score: Difference of a score.
        mask_share: Share of the pixels of one mask.
        borderline: Boxes of one side alone, so near to the operating score that they are no difference.
    """

    boxes: int = 0
    pixels: float = 0.0
    score: float = 0.0
    mask_share: float = 0.0
    borderline: int = 0


@dataclass(frozen=True, kw_only=True)
class LiveComparison:
    """The whole comparison.

    Args:
        tolerance: What counted as the same.
        cameras: Every camera's account.
        largest: The largest differences inside the tolerance.
        dropped: Every frame that the live node dropped, in order of camera and stamp.
        problems: What does not agree; none: it passed.
        warnings: What the reader should know, such as what could not be compared.
    """

    schema: int = SCHEMA
    tolerance: LiveTolerance
    cameras: tuple[CameraAccount, ...]
    largest: LargestDifferences
    dropped: tuple[DroppedFrame, ...] = ()
    problems: tuple[LiveProblem, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every frame agrees or is explained."""
        return not self.problems

    def to_plain(self) -> dict[str, Any]:
        """For JSON."""
        return {"passed": self.passed, **to_plain(self)}

    def require(self) -> None:
        """Let what does not agree be an error.

        Raises:
            GateError: Something does not agree; names how much of what.
        """
        if self.passed:
            return
        counts: dict[str, int] = {}
        for problem in self.problems:
            counts[problem.kind.value] = counts.get(problem.kind.value, 0) + 1
        kinds = ", ".join(f"{kind} {count}" for kind, count in counts.items())
        raise GateError(f"the live node and the offline run do not agree: {kinds}")
