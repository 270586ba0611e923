"""Before an engine is built: TensorRT's own types of the tensors of a strongly typed network, against the plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trt_perception.engine.parse_network import ParsedNetwork
from trt_perception.errors import GateError
from trt_perception.precision.account import Account
from trt_perception.precision.precision_plan import Precision

_WORDS = {"FLOAT": Precision.FP32, "HALF": Precision.FP16, "INT8": Precision.INT8}


@dataclass(frozen=True, kw_only=True)
class TensorTypeCheck:
    """What TensorRT makes of the planned types.

    Args:
        honoured: Tensors of the planned type.
        not_honoured: Tensors of another type: planned and found, as TensorRT calls it.
        undetermined: Planned tensors that the network does not have: folded or fused while parsing.
    """

    honoured: tuple[str, ...]
    not_honoured: Mapping[str, tuple[str, str]]
    undetermined: tuple[str, ...]

    def require(self) -> None:
        """Pass only where nothing is of another type than planned.

        Raises:
            GateError: Names the tensors.
        """
        if self.not_honoured:
            shown = [f"{name} {found} instead of {planned}" for name, (planned, found) in self.not_honoured.items()]
            raise GateError(
                f"{len(shown)} tensors are not of the planned type: {', '.join(shown[:5])}; "
                "write the graph again with `trt-perception quantize`"
            )


def check_tensor_types(network: ParsedNetwork, account: Account) -> TensorTypeCheck:
    """Compare every planned type with TensorRT's own.

    Args:
        network: The parsed graph, strongly typed.
        account: What `quantize` gave with it.
    """
    found = network.tensor_types()
    honoured, undetermined, wrong = [], [], {}
    for name, planned in account.tensor_types.items():
        if name not in found:
            undetermined.append(name)
        elif _WORDS.get(found[name]) is planned:
            honoured.append(name)
        else:
            wrong[name] = (planned.value, found[name])
    return TensorTypeCheck(honoured=tuple(honoured), not_honoured=wrong, undetermined=tuple(undetermined))
