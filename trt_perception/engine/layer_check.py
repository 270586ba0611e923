"""After an engine is built: what every layer computes in, against the precision plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from trt_perception.engine.bound_nodes import bound_nodes
from trt_perception.engine.copy_reasons import CopyReasons
from trt_perception.engine.engine_layer import EngineLayer
from trt_perception.engine.layer_graph import LayerGraph
from trt_perception.engine.layer_judge import LayerJudge, Result, Verdict
from trt_perception.errors import GateError
from trt_perception.precision.account import Account


@dataclass(frozen=True, kw_only=True)
class LayerCheck:
    """What TensorRT made of the plan, by ONNX node; only nodes that the plan binds are judged.

    Args:
        honoured: Nodes that compute as planned.
        not_honoured: Nodes that do not: what was planned and what was found where.
        undetermined: Nodes of which the engine does not say: why.
        wider: Honoured nodes that compute in more than was planned (FP32 for FP16, an Add in FP16 for INT8): what was
            found. Not less exact, but slower.
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
            "raise workspace_mib, or name these layers under keep_fp16 or keep_fp32 of the plan, and build again"
        )


def check_layers(layers: Sequence[EngineLayer], account: Account) -> LayerCheck:
    """Judge every bound node of the graph by the engine's layers.

    Args:
        layers: As read from the engine.
        account: What `quantize` gave with the graph.
    """
    graph = LayerGraph(layers, account)
    judge = LayerJudge(graph)
    verdicts = {name: judge.verdict(name, planned) for name, planned in bound_nodes(account).items()}
    reasons = CopyReasons(graph)
    copies = {layer.name: reasons.reason(index) for index, layer in enumerate(graph.layers) if layer.is_copy}
    changes = {layer.name: reasons.change(index) for index, layer in enumerate(graph.layers) if layer.is_copy}
    return LayerCheck(
        honoured=tuple(name for name, verdict in verdicts.items() if verdict.result in (Result.HONOURED, Result.WIDER)),
        not_honoured=_texts(verdicts, Result.NOT_HONOURED),
        undetermined=_texts(verdicts, Result.UNDETERMINED),
        wider=_texts(verdicts, Result.WIDER),
        copies={name: reason for name, reason in copies.items() if reason},
        unexplained={name: changes[name] for name, reason in copies.items() if not reason},
    )


def _texts(verdicts: Mapping[str, Verdict], result: Result) -> dict[str, str]:
    return {name: verdict.text for name, verdict in verdicts.items() if verdict.result is result}
