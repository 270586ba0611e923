"""Times of many frames in little space: how many took how long, to within half a percent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, log
from typing import Any

import numpy as np
from numpy.typing import NDArray

_STEP = log(1.01)
"""Each bucket reaches 1 % farther than the one before; its middle is at most half a percent from all that is in it."""


@dataclass(frozen=True, kw_only=True)
class TimeCounts:
    """Counts of times; those of several runs add up, in any order and grouping.

    Args:
        buckets: Frames by bucket; bucket n holds times from 1.01^n to 1.01^(n+1) nanoseconds.
        sum_ns: All times together.
        max_ns: The longest.
    """

    buckets: Mapping[int, int]
    sum_ns: int
    max_ns: int

    @classmethod
    def of(cls, times_ns: NDArray[np.int64]) -> TimeCounts:
        """Count int64 (n,) times; a time of less than a nanosecond is one of a nanosecond."""
        numbers = np.floor(np.log(np.maximum(times_ns, 1)) / _STEP).astype(np.int64)
        values, counts = np.unique(numbers, return_counts=True)
        return cls(
            buckets=dict(zip(values.tolist(), counts.tolist(), strict=True)),
            sum_ns=int(times_ns.sum()),
            max_ns=int(times_ns.max(initial=0)),
        )

    @classmethod
    def merged(cls, parts: Iterable[TimeCounts]) -> TimeCounts:
        """All of them together."""
        buckets: Counter[int] = Counter()
        sum_ns = max_ns = 0
        for part in parts:
            buckets.update(part.buckets)
            sum_ns, max_ns = sum_ns + part.sum_ns, max(max_ns, part.max_ns)
        return cls(buckets=dict(sorted(buckets.items())), sum_ns=sum_ns, max_ns=max_ns)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> TimeCounts:
        """What `to_plain` gave.

        Raises:
            KeyError: Something is missing.
            AttributeError: Something is of another kind.
            TypeError: The same.
            ValueError: Something is no number.
        """
        buckets = {int(number): int(count) for number, count in plain["buckets"].items()}
        return cls(buckets=buckets, sum_ns=int(plain["sum_ns"]), max_ns=int(plain["max_ns"]))

    def to_plain(self) -> dict[str, Any]:
        """For JSON."""
        buckets = {str(number): count for number, count in self.buckets.items()}
        return {"buckets": buckets, "sum_ns": self.sum_ns, "max_ns": self.max_ns}

    @property
    def count(self) -> int:
        """Frames."""
        return sum(self.buckets.values())

    def percentile_ms(self, percent: float) -> float:
        """The time that this share of the frames does not exceed; at least one frame is needed."""
        wanted, seen = max(1, ceil(self.count * percent / 100.0)), 0
        for number, count in self.buckets.items():
            seen += count
            if seen >= wanted:
                return _middle_ms(number, self.max_ns)
        raise ValueError("percentile of no times")

    def summary(self) -> dict[str, float]:
        """Percentiles, longest and mean, milliseconds."""
        percentiles = {f"p{percent}": self.percentile_ms(percent) for percent in (50, 90, 99)}
        return {**percentiles, "max": self.max_ns / 1e6, "mean": self.sum_ns / self.count / 1e6}

    def histogram(self, bins: int) -> dict[str, Sequence[float]]:
        """Even bins up to the 99.9th percentile; what took longer is in the last."""
        edges = np.linspace(0.0, self.percentile_ms(99.9), bins + 1)
        middles = [min(_middle_ms(number, self.max_ns), edges[-1]) for number in self.buckets]
        counts, _ = np.histogram(middles, edges, weights=list(self.buckets.values()))
        return {"edges_ms": edges.tolist(), "counts": [int(count) for count in counts]}


def _middle_ms(number: int, max_ns: int) -> float:
    return float(min(np.exp((number + 0.5) * _STEP), max_ns) / 1e6)
