"""Layers of an engine by region and precision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trt_perception.engine.engine_layer import EngineLayer
from trt_perception.engine.layer_graph import NO_REGION, LayerGraph
from trt_perception.precision.account import Account
from trt_perception.precision.markdown import markdown_table
from trt_perception.precision.precision_plan import Region

_COLUMNS = ("int8", "fp16", "fp32")


@dataclass(frozen=True, kw_only=True)
class RegionRow:
    """The layers of one region.

    Args:
        region: backbone, neck or head; `none` for layers that belong to no node; `all` where regions are not known.
        planned: Its planned precision; empty for `none` and `all`.
        layers: Layers that compute, by precision.
        copies: Reformats, quantizers and branch copies that move bytes.
        free: Reformats that cost nothing (NoOp).
    """

    region: str
    planned: str
    layers: Mapping[str, int]
    copies: int
    free: int


def layer_regions(layers: Sequence[EngineLayer], account: Account) -> tuple[str, ...]:
    """The region of every layer: that of the last node inside, for a copy that of the layer it serves.

    Args:
        layers: As read from the engine.
        account: What `quantize` gave with the graph.
    """
    graph = LayerGraph(layers, account)
    return tuple(graph.region(index) for index in range(len(layers)))


def region_table(layers: Sequence[EngineLayer], account: Account) -> tuple[RegionRow, ...]:
    """Count the layers; one that holds nodes of two regions counts where it ends.

    Args:
        layers: As read from the engine.
        account: What `quantize` gave with the graph.
    """
    graph = LayerGraph(layers, account)
    planned = {region.value: account.plan.precision(region).value for region in Region}
    members: dict[str, list[EngineLayer]] = {region: [] for region in (*planned, NO_REGION)}
    for index, layer in enumerate(graph.layers):
        members[graph.region(index)].append(layer)
    return tuple(
        count_layers(group, region=region, planned=planned.get(region, ""))
        for region, group in members.items()
        if group
    )


def count_layers(layers: Sequence[EngineLayer], *, region: str, planned: str = "") -> RegionRow:
    """One row of the table.

    Args:
        layers: Those of one region, or of the whole engine where regions are not known.
        region: Its name.
        planned: Its planned precision.
    """
    return RegionRow(
        region=region,
        planned=planned,
        layers=dict(Counter(layer.precision for layer in layers if not layer.is_copy and layer.kind != "NoOp")),
        copies=sum(layer.is_copy and layer.kind != "NoOp" for layer in layers),
        free=sum(layer.kind == "NoOp" for layer in layers),
    )


def render_region_table(rows: Sequence[RegionRow]) -> str:
    """The rows as a Markdown table."""
    header = ["region", "planned", *(f"{precision} layers" for precision in _COLUMNS), "other layers", "copies", "free"]
    return markdown_table(header, [_cells(row) for row in rows])


def _cells(row: RegionRow) -> list[str]:
    others = [f"{count} {precision}" for precision, count in row.layers.items() if precision not in _COLUMNS]
    counts = [str(row.layers.get(precision, 0)) for precision in _COLUMNS]
    return [row.region, row.planned or "-", *counts, ", ".join(others) or "0", str(row.copies), str(row.free)]
