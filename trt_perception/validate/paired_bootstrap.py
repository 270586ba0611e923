"""How much of a difference between two runs over the same frames is noise: a paired block bootstrap.

The frames of a drive are alike where they are near in time, so whole stretches of time are drawn, not frames: with
replacement, as many as there are, the same ones for both runs, so that what is hard for both cancels out. The interval
is the percentile interval of the statistic over the draws.

Sources: B. Efron, R. Tibshirani, An Introduction to the Bootstrap, 1993, 8.6 (blocks) and 13.3 (percentile interval);
E. Carlstein, The use of subseries values for estimating the variance of a general statistic from a stationary
sequence, Annals of Statistics 14, 1986 (blocks that do not overlap).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trt_perception.options.option import option

MIN_BLOCKS = 5
"""Fewer stretches of time than this tell nothing of noise: there is no interval."""
WANTED_BLOCKS = 10
"""Short drives are cut into this many stretches, where they have as many instants."""
_NS = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class BootstrapOptions:
    """How intervals are made. Equal options and frames give equal intervals."""

    replicates: int = option(1000, description="Draws.", minimum=100, maximum=100_000)
    confidence: float = option(0.95, description="Share of the draws inside the interval.", minimum=0.5, maximum=0.999)
    block_s: float = option(
        2.0,
        description="Length of a stretch of time that is drawn as a whole, seconds; shorter on drives that are short.",
        minimum=0.0,
    )
    seed: int = option(0, description="Another seed draws others.", minimum=0)


@dataclass(frozen=True, kw_only=True)
class Interval:
    """Limits between which most draws lie."""

    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether the whole interval lies on one side of zero: the difference is no noise."""
        return self.low > 0.0 or self.high < 0.0


def time_blocks(instants: Sequence[tuple[str, int]], block_s: float) -> NDArray[np.intp]:
    """The stretch of time of each frame, counted from 0.

    A stretch lies in one bag and is `block_s` long, or shorter where that would give fewer than ten stretches in all.
    All cameras of an instant lie in the same one.

    Args:
        instants: Bag and time in nanoseconds of each frame.
        block_s: Longest length, seconds; 0 makes every instant a stretch.

    Returns:
        intp (n,).
    """
    if not instants:
        return np.zeros(0, np.intp)
    starts: dict[str, int] = {}
    ends: dict[str, int] = {}
    for bag, time_ns in instants:
        starts[bag] = min(starts.get(bag, time_ns), time_ns)
        ends[bag] = max(ends.get(bag, time_ns), time_ns)
    total_ns = sum(ends[bag] - start + 1 for bag, start in starts.items())
    length_ns = max(1, min(round(block_s * _NS), -(-total_ns // WANTED_BLOCKS)))
    cells = [(bag, (time_ns - starts[bag]) // length_ns) for bag, time_ns in instants]
    order = {cell: index for index, cell in enumerate(sorted(set(cells)))}
    return np.array([order[cell] for cell in cells], np.intp)


def draw_weights(blocks: int, options: BootstrapOptions) -> NDArray[np.int64] | None:
    """How often each draw has each stretch: int64 (replicates, blocks), every row adding up to `blocks`.

    None where there are fewer than five stretches.
    """
    if blocks < MIN_BLOCKS:
        return None
    # PCG64's stream is fixed; default_rng's may change with NumPy.
    generator = np.random.Generator(np.random.PCG64(options.seed))
    drawn = generator.integers(0, blocks, (options.replicates, blocks))
    rows = np.arange(options.replicates)[:, None] * blocks
    counts = np.bincount((drawn + rows).ravel(), minlength=options.replicates * blocks)
    return counts.reshape(options.replicates, blocks)


def percentile_interval(values: NDArray[np.float64], confidence: float) -> Interval | None:
    """The interval of a statistic.

    Args:
        values: float64 (replicates,); NaN where a draw does not give the statistic, e.g. has no object of the class.
        confidence: Share of the draws inside.

    Returns:
        None where more than half of the draws give none.
    """
    valid = values[np.isfinite(values)]
    if 2 * valid.size < values.size or not valid.size:
        return None
    tail = 50.0 * (1.0 - confidence)
    low, high = np.percentile(valid, (tail, 100.0 - tail))
    return Interval(low=float(low), high=float(high))


def chunks(weights: NDArray[np.int64], columns: int, *, cells: int = 500_000) -> Iterator[NDArray[np.int64]]:
    """The draws in parts of which `columns` numbers a draw stay within `cells`: what fits the processor's cache."""
    step = max(1, cells // max(1, columns))
    for start in range(0, len(weights), step):
        yield weights[start : start + step]
