"""After an engine is built: what every layer computes in, against the precision plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from trt_perception.engine.engine_layer import EngineLayer
from trt_perception.errors import GateError
from trt_perception.precision.account import Account


@dataclass(frozen=True, kw_only=True)
class LayerCheck:
    """What TensorRT made of the plan, by ONNX node; only nodes that the plan binds are judged.

    Args:
        honoured: Nodes that compute as planned.
        not_honoured: Nodes that do not: what was planned and what was found where.
        undetermined: Nodes of which the engine does not say: why.
        wider: Honoured nodes that compute in more than was planned (FP32 for FP16): what was found. Exact, but slower.
        copies: Reformats, quantizers and branch copies of the engine, each with its reason.
        unexplained: Those inside the INT8 regions for which there is none: what they convert.
    """

    honoured: tuple[str, ...]
    not_honoured: Mapping[str, str] = field(default_factory=dict)
    undetermined: Mapping[str, str] = field(default_factory=dict)
    wider: Mapping[str, str] = field(default_factory=dict)
    copies: Mapping[str, str] = field(default_factory=dict)
    unexplained: Mapping[str, str] = field(default_factory=dict)

    def require(self) -> None:
        """Pass only where no layer computes otherwise than planned.

        Raises:
            GateError: Names the layers, what was planned and what was found.
        """
        if not self.not_honoured:
            return
        shown = [f"{name} {what}" for name, what in self.not_honoured.items()]
        more = f" and {len(shown) - 5} more" if len(shown) > 5 else ""
        raise GateError(
            f"the engine does not honour the precision plan in {len(shown)} layers: {'; '.join(shown[:5])}{more}; "
            "build again with a larger --workspace, or name these layers under keep_fp16 or keep_fp32 of the plan"
        )


def check_layers(layers: Sequence[EngineLayer], account: Account) -> LayerCheck:
    """Judge every bound node of the graph by the engine's layers.

    Args:
        layers: As read from the engine.
        account: What `quantize` gave with the graph.
    """
    raise NotImplementedError
