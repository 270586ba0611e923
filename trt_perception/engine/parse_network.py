"""A graph as one TensorRT parses it; what an engine is built from, and what its tensor types are read of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from trt_perception.engine.build_messages import BuildMessages, make_logger
from trt_perception.engine.features import features_of
from trt_perception.engine.parse_errors import parse_problem
from trt_perception.engine.plugin_libraries import load_plugins
from trt_perception.engine.tensorrt_module import identify
from trt_perception.errors import DeviceError, InputError, ModelError


class ParsedNetwork:
    """A parsed network with the builder that it belongs to. TensorRT-RTX and the parser of 10 and 11 need no GPU.

    Args:
        trt: The TensorRT module.
        onnx_path: The graph.
        strongly_typed: Whether its types are those of the graph, or the builder's choice by its precision flags.
        plugins: Paths of the libraries that the graph's operators come from, beside TensorRT's own.
        messages: Where TensorRT's messages go.

    Raises:
        MissingError: A plugin library is not there.
        ConfigError: A plugin library cannot be loaded.
        ModelError: TensorRT does not parse the graph; says at which node, why, and what to try.
        InputError: The file cannot be read, or this TensorRT has no strongly typed networks.
        DeviceError: TensorRT makes no builder: no GPU, or a driver too old for it.
    """

    def __init__(
        self,
        trt: Any,
        onnx_path: Path,
        *,
        strongly_typed: bool,
        plugins: Sequence[str] = (),
        messages: BuildMessages | None = None,
    ) -> None:
        self.messages = messages or BuildMessages()
        self._logger = make_logger(trt, self.messages)
        load_plugins(trt, dict.fromkeys(plugins, ""), self._logger)
        data = _read(onnx_path)
        self.builder = self._make_builder(trt)
        self.network = self.builder.create_network(_creation_flags(trt, strongly_typed=strongly_typed))
        # It owns constants of the network.
        self._parser = trt.OnnxParser(self.network, self._logger)
        if not self._parser.parse(data, str(onnx_path)):
            problem, remedy = parse_problem(self._parser, onnx_path)
            raise ModelError(onnx_path.name, problem, remedy)

    def inputs(self) -> dict[str, tuple[int, ...]]:
        """The shape of every input by name; -1 for an open size."""
        tensors = (self.network.get_input(index) for index in range(self.network.num_inputs))
        return {tensor.name: tuple(tensor.shape) for tensor in tensors}

    def layers(self) -> Iterator[Any]:
        """TensorRT's layers, in order."""
        return (self.network.get_layer(index) for index in range(self.network.num_layers))

    def tensor_types(self) -> dict[str, str]:
        """TensorRT's type of every input and layer output, by tensor name, e.g. HALF."""
        tensors = [self.network.get_input(index) for index in range(self.network.num_inputs)]
        for layer in self.layers():
            tensors += [layer.get_output(number) for number in range(layer.num_outputs)]
        return {tensor.name: tensor.dtype.name for tensor in tensors if tensor is not None}

    def _make_builder(self, trt: Any) -> Any:
        try:
            return trt.Builder(self._logger)
        except (TypeError, RuntimeError) as error:  # pybind11, where TensorRT gives no object
            said = "; ".join(self.messages.errors()) or str(error)
            raise DeviceError(f"TensorRT makes no builder: {said}; see `trt-perception doctor`") from error


def _creation_flags(trt: Any, *, strongly_typed: bool) -> int:
    flags, features = trt.NetworkDefinitionCreationFlag, features_of(trt)
    if strongly_typed and not features.strongly_typed:
        raise InputError(f"{identify(trt)} has no strongly typed networks; use TensorRT 10 or newer, or TensorRT-RTX")
    wanted = ["EXPLICIT_BATCH"] if features.explicit_batch else []
    if strongly_typed and hasattr(flags, "STRONGLY_TYPED"):
        wanted.append("STRONGLY_TYPED")
    return sum(1 << int(getattr(flags, name)) for name in wanted)


def _read(onnx_path: Path) -> bytes:
    try:
        return onnx_path.read_bytes()
    except OSError as error:
        raise InputError(f"{onnx_path}: cannot be read: {error.strerror or error}; check the path") from error
