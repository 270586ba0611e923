"""What became of every frame of an offline run when the same bag was played to the live node."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from trt_perception.errors import DropReason
from trt_perception.validate.frame_record import FrameRecord
from trt_perception.validate.live_comparison import CameraAccount, DroppedFrame, LiveProblem, ProblemKind

UNUSABLE = frozenset({
    DropReason.MALFORMED, DropReason.BIG_ENDIAN, DropReason.BAD_SIZE, DropReason.SHORT_DATA,
    DropReason.UNKNOWN_ENCODING, DropReason.CORRUPT_IMAGE, DropReason.INFERENCE_FAILED,
})  # fmt: skip
"""Reasons that lie in the image or the model: they explain nothing where the offline run could use the frame."""


class LiveFrames:
    """One camera's frames: `add` every frame of the offline run, then `judge`, then `account`.

    Args:
        camera: Its name in the offline run.
        answered: Heads by stamp, what the live node answered.
        drops: Reason by stamp, what it dropped.
        played: Stamps that were sent; None where nobody knows.
        heads: The heads that are compared.
    """

    def __init__(
        self,
        camera: str,
        *,
        answered: Mapping[int, Collection[str]],
        drops: Mapping[int, DropReason],
        played: Collection[int] | None,
        heads: Collection[str],
    ) -> None:
        self.dropped: list[DroppedFrame] = []
        self.compared: set[int] = set()
        self._camera, self._heads = camera, heads
        self._answered, self._drops, self._played = answered, drops, played
        self._expected: set[int] = set()
        self._skipped: dict[int, DropReason] = {}
        self._skip_counts: Counter[str] = Counter()
        self._not_played = self._unanswered = 0

    @property
    def contradictions(self) -> int:
        """Frames that were answered and stand in the drop log, too."""
        # A stamp that the bag has twice is answered once and dropped once, and skipped once offline.
        return len(self._answered.keys() & self._drops.keys() - self._skipped.keys())

    def add(self, record: FrameRecord) -> None:
        """Take one frame of the offline run."""
        if record.skipped is not None:
            self._skip_counts[record.skipped.value] += 1
            if record.stamp_ns is not None:
                self._skipped[record.stamp_ns] = record.skipped
        elif record.stamp_ns is not None:
            self._expected.add(record.stamp_ns)

    def judge(self) -> Iterator[LiveProblem]:
        """Give every frame one fate; yields what has no explanation."""
        expected, skipped, answered = self._expected, self._skipped, self._answered
        for stamp_ns in sorted(expected):
            yield from self._judge(stamp_ns)
        for stamp_ns in sorted(answered.keys() & skipped.keys() - expected):
            text = f"answered live, skipped offline as {skipped[stamp_ns].value}"
            yield self._problem(ProblemKind.SKIPPED_OFFLINE, stamp_ns, text)
        for stamp_ns in sorted(answered.keys() - skipped.keys() - expected):
            yield self._problem(ProblemKind.NOT_IN_RUN, stamp_ns, "answered live, the offline run has no such frame")
        for stamp_ns in sorted(self._drops.keys() - skipped.keys() - expected - answered.keys()):
            reason = self._drops[stamp_ns].value
            text = f"dropped live as {reason}, the offline run has no such frame; is the drop log of this replay?"
            yield self._problem(ProblemKind.NOT_IN_RUN, stamp_ns, text)

    def account(self, differing: int) -> CameraAccount:
        """The sums, once every frame is judged."""
        reasons = Counter(frame.reason.value for frame in self.dropped)
        skipped = self._skip_counts.total()
        return CameraAccount(
            camera=self._camera,
            frames=len(self.compared) + len(self.dropped) + self._not_played + self._unanswered + skipped,
            compared=len(self.compared),
            differing=differing,
            dropped=dict(sorted(reasons.items())),
            not_played=self._not_played,
            skipped=dict(sorted(self._skip_counts.items())),
            unanswered=self._unanswered,
        )

    def _judge(self, stamp_ns: int) -> Iterator[LiveProblem]:
        """One frame that the offline run has a result of."""
        if stamp_ns in self._answered:
            self.compared.add(stamp_ns)
            for head in sorted(set(self._heads) - set(self._answered[stamp_ns])):
                yield self._problem(ProblemKind.NO_HEAD, stamp_ns, f"no answer of head {head}", head=head)
            return
        reason = self._drops.get(stamp_ns)
        if reason is not None:
            self.dropped.append(DroppedFrame(camera=self._camera, stamp_ns=stamp_ns, reason=reason))
            if reason in UNUSABLE:
                text = f"dropped live as {reason.value}, which the offline run does not say of the same frame"
                yield self._problem(ProblemKind.DROPPED_AS_UNUSABLE, stamp_ns, text)
        elif self._played is not None and stamp_ns not in self._played:
            self._not_played += 1
        else:
            self._unanswered += 1
            # Of a whole camera that is not recorded, one problem says it.
            if self._heads:
                yield self._problem(ProblemKind.UNEXPLAINED, stamp_ns, "neither answered live nor in the drop log")

    def _problem(self, kind: ProblemKind, stamp_ns: int, text: str, *, head: str = "") -> LiveProblem:
        return LiveProblem(kind=kind, camera=self._camera, head=head, stamp_ns=stamp_ns, text=text)
