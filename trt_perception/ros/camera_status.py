"""Judges one camera for diagnostics: a level, one line, and all the numbers as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from trt_perception.errors import DropReason
from trt_perception.ros.camera_channel import ChannelSnapshot
from trt_perception.ros.counters import CounterSnapshot
from trt_perception.ros.expected_drops import EXPECTED
from trt_perception.ros.image_publishers import DEFAULT_SEGMENT_BYTES, ImagePublishers

HUNG_NS = 5_000_000_000
"""A frame that takes longer than this will not come back."""


class Level(IntEnum):
    """Levels of diagnostic_msgs/DiagnosticStatus."""

    OK = 0
    WARN = 1
    ERROR = 2
    STALE = 3


@dataclass(frozen=True, kw_only=True)
class Status:
    """One line of diagnostics."""

    level: Level
    message: str
    values: Mapping[str, str] = field(default_factory=dict)


def judge_camera(
    now: ChannelSnapshot, before: CounterSnapshot | None, *, now_ns: int, topic: str, publishers: ImagePublishers
) -> Status:
    """The status of one camera.

    Args:
        now: The camera now.
        before: Its counters some seconds ago, that what happens now is told from what once happened; None at first.
        now_ns: The steady clock.
        topic: Full name of its image topic; empty where it is not subscribed.
        publishers: Who publishes to the topic.
    """
    level, message = _judge(now, before, now_ns, topic, publishers)
    return Status(level=level, message=message, values=_values(now, topic, publishers))


def _judge(
    now: ChannelSnapshot, before: CounterSnapshot | None, now_ns: int, topic: str, publishers: ImagePublishers
) -> tuple[Level, str]:
    if not now.is_active:
        return Level.OK, "the node is not active"
    if not now.is_enabled:
        return Level.OK, "disabled"
    if now.busy_since_ns and now_ns - now.busy_since_ns > HUNG_NS:
        return Level.ERROR, f"inference has not returned for {(now_ns - now.busy_since_ns) / 1e9:.0f} s"
    silent_ns = now_ns - max(now.counters.last_received_ns, now.active_since_ns)
    if silent_ns > now.settings.timeout_ms * 1e6:
        by = f"{publishers.count} publishers" if publishers.count != 1 else "1 publisher"
        may_be_large = not now.message_bytes or now.message_bytes > DEFAULT_SEGMENT_BYTES
        advice = publishers.clashes or ((publishers.advice,) if may_be_large and publishers.count else ())
        return Level.STALE, "; ".join(
            [f"no image for {silent_ns / 1e9:.1f} s on {topic} ({by})", *filter(None, advice)]
        )
    if publishers.none_fits:
        return Level.ERROR, publishers.problem
    level, message = _judge_frames(now, _recent(now, before))
    if publishers.problem:
        return max(level, Level.WARN), f"{message}; {publishers.problem}"
    return level, message


@dataclass(frozen=True, kw_only=True)
class _Recent:
    """What was counted since some seconds ago."""

    processed: int
    paired: int  # frames that ended otherwise than unpaired
    faults: Mapping[str, int]


def _recent(snapshot: ChannelSnapshot, before: CounterSnapshot | None) -> _Recent:
    now = snapshot.counters
    processed = now.processed - (before.processed if before else 0)
    dropped = {
        reason: count - (before.dropped.get(reason, 0) if before else 0) for reason, count in now.dropped.items()
    }
    paired = processed + sum(count for reason, count in dropped.items() if reason is not DropReason.UNPAIRED)
    faults = {reason.value: count for reason, count in dropped.items() if reason not in EXPECTED}
    if paired and not snapshot.leads_sets:  # it is faster than the camera that leads the set
        faults.pop(DropReason.UNPAIRED.value, None)
    for fault, count in now.stamp_faults.items():
        faults[fault.value] = count - (before.stamp_faults.get(fault, 0) if before else 0)
    for name, lane in now.lanes.items():
        earlier = before.lanes.get(name) if before else None
        faults[f"pipeline {name} failed"] = lane.failed - (earlier.failed if earlier else 0)
    faults["image changed"] = now.image_changes - (before.image_changes if before else 0)
    faults["receiver lost"] = now.receiver_restarts - (before.receiver_restarts if before else 0)
    faults["worker restarted"] = now.restarts - (before.restarts if before else 0)
    return _Recent(
        processed=processed,
        paired=paired,
        faults={name: count for name, count in faults.items() if count > 0},
    )


def _judge_frames(now: ChannelSnapshot, recent: _Recent) -> tuple[Level, str]:
    faults = ", ".join(f"{name} {count}" for name, count in recent.faults.items())
    faults = "; ".join(filter(None, (faults, *now.incomplete)))
    lost = _DROPS.intersection(recent.faults)
    if lost and recent.processed == 0 and not (recent.paired and lost == {DropReason.UNPAIRED.value}):
        return Level.ERROR, f"no result: {faults}"
    if faults:
        return Level.WARN, faults
    if recent.processed == 0 and not now.listening:
        return Level.OK, "nobody subscribes to its results"
    counters = now.counters
    age = "" if counters.age_p50_ms is None else f", age {counters.age_p50_ms:.0f} ms"
    return Level.OK, f"{counters.processed_fps:.1f} fps{age}"


_DROPS = frozenset(reason.value for reason in DropReason)


def _values(now: ChannelSnapshot, topic: str, publishers: ImagePublishers) -> dict[str, str]:
    counters = now.counters
    values = {
        "topic": topic,
        "publishers": str(publishers.count),
        "publisher_nodes": ", ".join(publishers.names),
        "image": now.image,
        "enabled": str(now.is_enabled).lower(),
        "received": str(counters.received),
        "processed": str(counters.processed),
        "dropped": str(sum(counters.dropped.values())),
    }
    values.update({f"dropped_{reason.value}": str(counters.dropped.get(reason, 0)) for reason in DropReason})
    values.update({fault.value: str(count) for fault, count in counters.stamp_faults.items()})
    numbers = {
        "received_fps": counters.received_fps,
        "fps": counters.processed_fps,
        "age_p50_ms": counters.age_p50_ms,
        "age_p99_ms": counters.age_p99_ms,
        "latency_p50_ms": counters.latency_p50_ms,
        "latency_p99_ms": counters.latency_p99_ms,
    }
    values.update({name: "unknown" if number is None else f"{number:.1f}" for name, number in numbers.items()})
    values["image_changes"] = str(counters.image_changes)
    values["worker_restarts"] = str(counters.restarts)
    values["receiver_restarts"] = str(counters.receiver_restarts)
    for name, lane in counters.lanes.items():
        values[f"{name}.listener"] = str(name in now.listening).lower()
        values[f"{name}.results"] = str(lane.results)
        values[f"{name}.unheard"] = str(lane.unheard)
        values[f"{name}.failed"] = str(lane.failed)
        inference = lane.inference_p50_ms
        values[f"{name}.inference_p50_ms"] = "unknown" if inference is None else f"{inference:.1f}"
    values["last_fault"] = now.last_fault
    return values
