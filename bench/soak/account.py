"""What became of one camera's stamps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.soak.camera import Sent
from bench.soak.picture import Answer
from bench.soak.status_watch import CameraState
from trt_perception.errors import DropReason


@dataclass(frozen=True, kw_only=True)
class Account:
    """One camera's ledger.

    Args:
        camera: Its name.
        sent: What it sent.
        foreign: Stamps that a second driver sent.
        answers: What came back.
        strange: Answers under another header than their image's.
        unnoticed: Stamps of bad frames of which diagnostics did not tell.
        drops: The drop log: stamp, None where it could not be read, and reason.
        state: The node's own counters at the end.
    """

    camera: str
    sent: Sequence[Sent]
    foreign: frozenset[int]
    answers: Sequence[tuple[int, Answer]]
    strange: Sequence[str]
    unnoticed: Sequence[int | None]
    drops: Sequence[tuple[int | None, str]]
    state: CameraState

    @property
    def sent_count(self) -> int:
        """Messages that were sent."""
        return len(self.sent) + len(self.foreign)

    @property
    def received(self) -> int:
        """Messages that the node says it has received."""
        return self.state.count("received")

    @property
    def dropped(self) -> dict[str, int]:
        """Drops by reason, as the node counts them."""
        prefix = "dropped_"
        counts = {
            key.removeprefix(prefix): int(text) for key, text in self.state.values.items() if key.startswith(prefix)
        }
        return {reason: count for reason, count in counts.items() if count}

    @property
    def unlogged(self) -> int:
        """Drops that are not in the drop log: its disk was full."""
        return sum(self.dropped.values()) - len(self.drops)

    def problems(self) -> Iterator[str]:
        """Every way in which it does not close."""
        for text in self._problems():
            yield f"{self.camera}: {text}"

    def _problems(self) -> Iterator[str]:
        sent = Counter(one.stamp_ns for one in self.sent)
        sent.update(self.foreign)
        ended: Counter[int | None] = Counter(stamp for stamp, _ in self.answers)
        ended.update(stamp for stamp, _ in self.drops)
        twice = {stamp: count - sent[stamp] for stamp, count in ended.items() if count > sent[stamp]}
        invented = [stamp for stamp in twice if not sent[stamp]]
        if invented:
            yield f"{len(invented)} stamps were invented, {invented[0]} first"
        if len(twice) > len(invented):
            known = sorted((stamp for stamp in twice if sent[stamp]), key=str)
            reasons = [reason for stamp, reason in self.drops if stamp == known[0]]
            yield (
                f"{len(known)} stamps have more fates than messages: {known[0]} sent {sent[known[0]]} times, ended "
                f"{ended[known[0]]} times, dropped as {dict(Counter(reasons))}"
            )
        processed = self.state.count("processed")
        if self.received != processed + sum(self.dropped.values()):
            yield f"received {self.received}, processed {processed}, dropped {self.dropped}: the sum is wrong"
        if processed != len(self.answers):
            yield f"processed {processed}, but {len(self.answers)} answers came"
        if self.received > self.sent_count:
            yield f"sent {self.sent_count}, received {self.received}"
        logged = Counter(reason for _, reason in self.drops)
        if any(count > self.dropped.get(reason, 0) for reason, count in logged.items()):
            yield f"the drop log has {dict(logged)}, diagnostics have {self.dropped}"
        yield from self._silences(sent)
        yield from (f"header of an answer: {text}" for text in self.strange)
        yield from self._wrong_answers()

    def _silences(self, sent: Mapping[int | None, int]) -> Iterator[str]:
        """Bad frames that were received and of which diagnostics did not tell; others were lost or replaced."""
        received: Counter[int | None] = Counter(stamp for stamp, _ in self.answers)
        received.update(stamp for stamp, reason in self.drops if reason != DropReason.REPLACED.value)
        for stamp, count in Counter(self.unnoticed).items():
            if sent[stamp] - received[stamp] < count:
                yield f"diagnostics did not tell in time of {count} bad frames of stamp {stamp}"

    def _wrong_answers(self) -> Iterator[str]:
        allowed: dict[int, set[Answer]] = {}
        for one in self.sent:
            if one.stamp_ns is not None and one.expected is not None:
                allowed.setdefault(one.stamp_ns, set()).add(one.expected)
        for stamp, answer in self.answers:
            if stamp not in self.foreign and answer not in allowed.get(stamp, ()):
                yield f"the answer to {stamp} is not what the model finds in its image"
