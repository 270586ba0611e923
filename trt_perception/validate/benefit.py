"""Whether an engine is worth it: faster or smaller than another at the number of streams of the target."""

from __future__ import annotations

from dataclasses import dataclass

FASTER = 1.03
"""Ratio of frames a second from which an engine is called faster; less is not worth another calibration."""

SMALLER = 0.95
"""Ratio of device memory from which an engine is called smaller."""

SLOWEST = 0.95
"""A smaller engine must reach this ratio of the other's frames a second."""


@dataclass(frozen=True, kw_only=True)
class EngineCost:
    """What an engine costs at some number of streams.

    Args:
        name: Of the engine, for people.
        frames_per_second: All streams together.
        p99_ms: Latency that 99 % of the frames keep, ms.
        memory_mib: Weights, activations and buffers on the device.
    """

    name: str
    frames_per_second: float
    p99_ms: float
    memory_mib: float


@dataclass(frozen=True, kw_only=True)
class Benefit:
    """The verdict.

    Args:
        is_recommended: Whether the engine is worth it.
        text: The verdict with its reason, one sentence.
        speed_ratio: Its frames a second over the other's.
        memory_ratio: Its memory over the other's.
    """

    is_recommended: bool
    text: str
    speed_ratio: float
    memory_ratio: float


def judge_benefit(engine: EngineCost, other: EngineCost, *, streams: int) -> Benefit:
    """Recommended where it is faster, or smaller and not slower, than `other` at that number of streams.

    Args:
        engine: The engine that is to be judged, e.g. INT8.
        other: What it would replace, e.g. FP16.
        streams: Number of streams of both measurements.

    Raises:
        ValueError: The other engine's speed or memory is not above zero.
    """
    if other.frames_per_second <= 0 or other.memory_mib <= 0:
        raise ValueError(f"judge_benefit: expected speed and memory of {other.name} above zero, got {other}")
    speed = engine.frames_per_second / other.frames_per_second
    memory = engine.memory_mib / other.memory_mib
    is_faster = speed >= FASTER
    is_smaller = memory <= SMALLER and speed >= SLOWEST
    reasons = [
        f"{speed:.2f}x the frames a second" if is_faster or not is_smaller else f"as fast ({speed:.2f}x)",
        f"{memory:.2f}x the device memory",
    ]
    verdict = "recommended" if is_faster or is_smaller else "not recommended"
    return Benefit(
        is_recommended=is_faster or is_smaller,
        text=f"{engine.name} is {verdict} at {streams} {'stream' if streams == 1 else 'streams'}: "
        f"{' and '.join(reasons)} of {other.name}",
        speed_ratio=speed,
        memory_ratio=memory,
    )
