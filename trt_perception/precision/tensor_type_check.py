"""Before an engine is built: TensorRT's own types of the tensors of a strongly typed network, against the plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trt_perception.errors import GateError, ModelError
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


class StrongNetwork:
    """A strongly typed network, parsed by one TensorRT; needs no GPU.

    Args:
        trt: The module: tensorrt 10 or newer, or tensorrt_rtx_bindings.
        onnx_path: The graph of the strong emitter.

    Raises:
        ModelError: TensorRT does not parse the graph; says at which node and why.
    """

    def __init__(self, trt: Any, onnx_path: Path) -> None:
        self._trt = trt
        self._path = onnx_path
        self._logger = trt.Logger(trt.Logger.ERROR)
        self._builder = trt.Builder(self._logger)
        flags = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
        self._network = self._builder.create_network(0 if flags is None else 1 << int(flags))
        self._parser = trt.OnnxParser(self._network, self._logger)
        if not self._parser.parse(onnx_path.read_bytes()):
            raise ModelError(onnx_path.name, f"TensorRT does not parse it: {self._errors()}", "see the node named")

    def tensor_types(self) -> dict[str, str]:
        """TensorRT's type of every input and layer output, by tensor name, e.g. HALF."""
        network = self._network
        tensors = [network.get_input(index) for index in range(network.num_inputs)]
        for index in range(network.num_layers):
            layer = network.get_layer(index)
            tensors += [layer.get_output(number) for number in range(layer.num_outputs)]
        return {tensor.name: tensor.dtype.name for tensor in tensors if tensor is not None}

    def build_ahead_of_time(self, *, compute_capability: str = "SM89") -> bytes:
        """The plan for a GPU that need not be here: what TensorRT-RTX offers.

        Args:
            compute_capability: Name of a member of the module's ComputeCapability.

        Raises:
            ModelError: TensorRT does not build it.
        """
        trt = self._trt
        config = self._builder.create_builder_config()
        config.num_compute_capabilities = 1
        config.set_compute_capability(getattr(trt.ComputeCapability, compute_capability), 0)
        plan = self._builder.build_serialized_network(self._network, config)
        if plan is None:
            raise ModelError(self._path.name, "TensorRT builds no engine of it", "see TensorRT's own messages above")
        return bytes(plan)

    def _errors(self) -> str:
        errors = [self._parser.get_error(index) for index in range(self._parser.num_errors)]
        return "; ".join(f"node {error.node()}: {error.desc()}" for error in errors)


def check_tensor_types(network: StrongNetwork, account: Account) -> TensorTypeCheck:
    """Compare every planned type with TensorRT's own.

    Args:
        network: The parsed graph.
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
