"""Where the layers of an engine belong."""

from __future__ import annotations

from collections.abc import Sequence

from trt_perception.engine.engine_layer import EngineLayer
from trt_perception.precision.account import Account

NO_REGION = "none"
"""For layers that belong to no node of the graph."""


def layer_regions(layers: Sequence[EngineLayer], account: Account) -> tuple[str, ...]:
    """The region of every layer: that of the last node inside, for a copy that of the layer it serves.

    Args:
        layers: As read from the engine.
        account: What `quantize` gave with the graph.
    """
    raise NotImplementedError
