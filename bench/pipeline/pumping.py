"""Keeps pumps busy for a while."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from bench.pipeline.bed import Pump

WARM_UP_S = 0.2
FEWEST = 20


@dataclass(frozen=True, kw_only=True)
class Pumped:
    """What came of it.

    Args:
        times_ms: Of each launch, on the GPU.
        per_s: Launches a second, of all pumps together.
    """

    times_ms: tuple[float, ...]
    per_s: float

    @property
    def p50_ms(self) -> float:
        """Median."""
        return float(np.median(self.times_ms))

    @property
    def p99_ms(self) -> float:
        """99th percentile."""
        return float(np.percentile(self.times_ms, 99))


def pump(pumps: Sequence[Pump], seconds: float) -> Pumped:
    """Warm up, then measure; one thread launches for all and sleeps while it waits."""
    _run(pumps, WARM_UP_S)
    started = perf_counter()
    times = _run(pumps, seconds)
    return Pumped(times_ms=tuple(times), per_s=len(times) / (perf_counter() - started))


def _run(pumps: Sequence[Pump], seconds: float) -> list[float]:
    found: list[float] = []
    end = perf_counter() + seconds
    while perf_counter() < end or len(found) < FEWEST:
        for one in pumps:
            one.fill()
        found += [one.wait() for one in pumps]
    for one in pumps:
        while not one.is_idle:
            found.append(one.wait())
    return found
