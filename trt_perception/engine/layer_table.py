"""Layers of an engine by region and precision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trt_perception.engine.engine_layer import EngineLayer
from trt_perception.precision.account import Account


@dataclass(frozen=True, kw_only=True)
class RegionRow:
    """The layers of one region.

    Args:
        region: backbone, neck or head; `none` for layers that belong to no node.
        planned: Its planned precision; empty for `none`.
        layers: Layers that compute, by precision.
        copies: Reformats, quantizers and branch copies that move bytes.
        free: Reformats that cost nothing (NoOp).
    """

    region: str
    planned: str
    layers: Mapping[str, int]
    copies: int
    free: int


def region_table(layers: Sequence[EngineLayer], account: Account) -> tuple[RegionRow, ...]:
    """Count the layers; one that holds nodes of two regions counts where it ends."""
    raise NotImplementedError


def render_region_table(rows: Sequence[RegionRow]) -> str:
    """The rows as a Markdown table."""
    raise NotImplementedError
