"""Where the time of one engine goes: its layers' times over many runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trt_perception.engine.engine_layer import UNKNOWN, EngineLayer
from trt_perception.engine.layer_graph import NO_REGION
from trt_perception.errors import DeviceError
from trt_perception.options.json_schema import to_plain

LayerRun = Mapping[str, float]
"""The times of one run, milliseconds by layer name, in the order of execution."""


@dataclass(frozen=True, kw_only=True)
class LayerTime:
    """One layer's times.

    Args:
        layer: TensorRT's name of it.
        kind: TensorRT's layer type.
        region: Where it belongs: backbone, neck or head; `none` where it belongs to no node.
        precision: What it computes in; `copy` for reformats, quantizers and copies of branches.
        p50_ms: Median over the runs.
        p99_ms: The time that one run in a hundred exceeds.
        share: Of the sum of all medians, 0 to 1.
    """

    layer: str
    kind: str
    region: str
    precision: str
    p50_ms: float
    p99_ms: float
    share: float


@dataclass(frozen=True, kw_only=True)
class RegionTime:
    """The layers of one region and precision together.

    Args:
        region: As in LayerTime.
        precision: As in LayerTime.
        layers: How many.
        p50_ms: Sum of their medians.
        share: Of the sum of all medians, 0 to 1.
    """

    region: str
    precision: str
    layers: int
    p50_ms: float
    share: float


@dataclass(frozen=True, kw_only=True)
class EngineProfile:
    """Times of all layers. TensorRT times each layer by itself, so the sum lies above an unobserved run.

    Args:
        runs: Number of runs that were timed.
        p50_ms: Median over the runs of the sum of all layers.
        p99_ms: The sum that one run in a hundred exceeds.
        layers: In the order of execution.
        regions: Hot spots: by region and precision, most expensive first.
    """

    runs: int
    p50_ms: float
    p99_ms: float
    layers: tuple[LayerTime, ...]
    regions: tuple[RegionTime, ...]

    def hottest(self, count: int) -> tuple[LayerTime, ...]:
        """The most expensive layers, most expensive first."""
        return tuple(sorted(self.layers, key=lambda layer: -layer.p50_ms)[:count])

    def to_plain(self) -> dict[str, Any]:
        """All of it as JSON knows it."""
        return dict(to_plain(self))


def summarize_runs(
    runs: Sequence[LayerRun], layers: Sequence[EngineLayer] = (), regions: Sequence[str] = ()
) -> EngineProfile:
    """Percentiles of every layer.

    Args:
        runs: Times of each run.
        layers: The engine's layers, for kind and precision; a name that is not among them stays `unknown`.
        regions: The region of each of `layers`, in the same order; empty where the account is not known.

    Raises:
        DeviceError: No run gave any time.
    """
    names = list(dict.fromkeys(name for run in runs for name in run))
    if not names:
        raise DeviceError("profile: TensorRT reported no layer times; expected one for each layer of each run")
    table = np.array([[run.get(name, 0.0) for name in names] for run in runs], dtype=np.float64)
    medians, highest = np.median(table, axis=0), np.percentile(table, 99, axis=0)
    sums = table.sum(axis=1)
    known = {layer.name: layer for layer in layers}
    places = {layer.name: region for layer, region in zip(layers, regions, strict=False)}
    whole = float(medians.sum()) or 1.0
    times = tuple(
        LayerTime(
            layer=name,
            kind=known[name].kind if name in known else UNKNOWN,
            region=places.get(name, NO_REGION),
            precision=_precision(known.get(name)),
            p50_ms=float(median),
            p99_ms=float(high),
            share=float(median) / whole,
        )
        for name, median, high in zip(names, medians, highest, strict=True)
    )
    return EngineProfile(
        runs=len(runs),
        p50_ms=float(np.median(sums)),
        p99_ms=float(np.percentile(sums, 99)),
        layers=times,
        regions=_regions(times),
    )


def _precision(layer: EngineLayer | None) -> str:
    if layer is None:
        return UNKNOWN
    return "copy" if layer.is_copy else layer.precision


def _regions(times: Sequence[LayerTime]) -> tuple[RegionTime, ...]:
    groups: dict[tuple[str, str], list[LayerTime]] = defaultdict(list)
    for time in times:
        groups[time.region, time.precision].append(time)
    rows = [
        RegionTime(
            region=region,
            precision=precision,
            layers=len(group),
            p50_ms=sum(time.p50_ms for time in group),
            share=sum(time.share for time in group),
        )
        for (region, precision), group in groups.items()
    ]
    return tuple(sorted(rows, key=lambda row: -row.p50_ms))
