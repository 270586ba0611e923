"""Runs a model and counts the values of its inner tensors."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from trt_perception.errors import DeviceError, InputError, MissingError, ModelError
from trt_perception.precision.activation_tensors import activation_tensors, part_that_makes
from trt_perception.precision.histogram import HALF_BINS, StreamingHistogram

GROUP_BYTES = 128 * 2**20
"""How much the tensors of one group may take; a single larger one has a group of its own."""

_BYTES = {"tensor(float)": 4, "tensor(float16)": 2, "tensor(double)": 8}
_ELEMENT_TYPES = {1: "tensor(float)", 10: "tensor(float16)", 11: "tensor(double)"}
"""ONNX Runtime's words for the floating element types of onnx.TensorProto."""

_ERRORS_ONLY = 3


class TensorCollector:
    """Feeds each frame to ONNX Runtime, which only executes, and the wanted tensors to histograms.

    The tensors are made outputs in groups, each with a session of its own over the part of the graph that makes it:
    memory holds the weights once a group, and one group's tensors of one frame.

    Args:
        model: The ONNX file.
        tensors: Names of the wanted tensors. Default: the floating ones of `activation_tensors`.
        group_bytes: How much the tensors of one group may take together.
        half_bins: Bins of the histograms on each side of zero.
        threads: CPU threads. Default: as ONNX Runtime chooses.

    Attributes:
        histograms: By tensor.
        group_count: Sessions that each frame goes through.

    Raises:
        ModelError: The file cannot be read or executed, or has no tensor to calibrate, or not a wanted one.
        MissingError: onnx or onnxruntime is not installed.
    """

    def __init__(
        self,
        model: Path,
        *,
        tensors: Sequence[str] | None = None,
        group_bytes: int = GROUP_BYTES,
        half_bins: int = HALF_BINS,
        threads: int | None = None,
    ) -> None:
        self._path = model
        self._threads = threads or 0
        proto = _load(model)
        inputs = {value.name for value in proto.graph.input}
        sizes = self._sizes(
            proto, activation_tensors(proto) if tensors is None else tensors, strict=tensors is not None
        )
        self.histograms = {name: StreamingHistogram(name, half_bins=half_bins) for name in sizes}
        self._inputs = tuple(name for name in sizes if name in inputs)
        made = {name: size for name, size in sizes.items() if name not in inputs}
        self._sessions = [self._session(part_that_makes(proto, group)) for group in _groups(made, group_bytes)]
        self.group_count = len(self._sessions)

    def add(self, inputs: Mapping[str, NDArray[Any]], *, frame: str) -> None:
        """Run one frame and count its tensors.

        Args:
            inputs: Tensor by input of the model.
            frame: Which frame, for errors.

        Raises:
            InputError: An input is not given, or a tensor holds NaN or infinity.
            DeviceError: ONNX Runtime failed.
        """
        for name in self._inputs:
            if name not in inputs:
                raise InputError(f"{frame}: expected a tensor for input {name!r}, got {', '.join(inputs) or 'none'}")
            self.histograms[name].add(inputs[name], frame=frame)
        for session in self._sessions:
            fed = {value.name: inputs[value.name] for value in session.get_inputs() if value.name in inputs}
            names = [value.name for value in session.get_outputs()]
            try:
                values = session.run(names, fed)
            except Exception as error:  # ONNX Runtime's errors have no common base
                raise DeviceError(f"model {self._path}: ONNX Runtime failed on {frame}: {error}") from error
            for name, value in zip(names, values, strict=True):
                self.histograms[name].add(value, frame=frame)

    def _sizes(self, proto: Any, tensors: Sequence[str], *, strict: bool) -> dict[str, int]:
        """Bytes by wanted floating tensor; with `strict`, each has to be there and floating."""
        inputs = {value.name for value in proto.graph.input}
        made = {name for node in proto.graph.node for name in node.output}
        if unknown := [name for name in tensors if name not in inputs | made]:
            raise ModelError(
                str(self._path), f"no tensor {', '.join(unknown)}", "calibrate the graph as it is quantised"
            )
        kinds = {value.name: _input_kind(value) for value in proto.graph.input}
        if others := [name for name in tensors if name not in inputs]:
            probe = self._session(part_that_makes(proto, others), optimise=False)
            kinds.update((value.name, (value.type, value.shape)) for value in probe.get_outputs())
        sizes = {}
        for name in tensors:
            kind, shape = kinds[name]
            if kind in _BYTES:
                known = [size for size in shape or () if isinstance(size, int) and size > 0]
                sizes[name] = math.prod(known) * _BYTES[kind]
            elif strict:
                raise ModelError(
                    str(self._path), f"tensor {name!r}: expected floating values, got {kind}", "leave it out"
                )
        if not sizes:
            raise ModelError(
                str(self._path), "expected floating tensors to calibrate, found none", "check the model with inspect"
            )
        return sizes

    def _session(self, part: Any, *, optimise: bool = True) -> Any:
        try:
            import onnxruntime
        except ImportError as error:
            raise MissingError(
                "calibration: the Python package onnxruntime is not installed", "run: pip install onnxruntime"
            ) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.log_severity_level = _ERRORS_ONLY
        options.enable_cpu_mem_arena = False  # the arena keeps the largest tensors of every session for good
        if not optimise:
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        try:
            return onnxruntime.InferenceSession(part.SerializeToString(), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's errors have no common base, protobuf's for over 2 GiB another
            raise ModelError(
                str(self._path), f"ONNX Runtime cannot load it: {error}", "check it with `trt-perception inspect`"
            ) from error


def _load(path: Path) -> Any:
    """The file as onnx.ModelProto, weights that lie beside it included."""
    try:
        import onnx
    except ImportError as error:
        raise MissingError(
            f"the Python package onnx, needed to calibrate {path.name}", "run: pip install 'trt_perception[onnx]'"
        ) from error
    try:
        return onnx.load(str(path))
    except Exception as error:  # protobuf's DecodeError has changed its place between versions
        raise ModelError(
            str(path), f"expected an ONNX file, got {error}", "check the path, or copy it again"
        ) from error


def _input_kind(value: Any) -> tuple[str, Sequence[int]]:
    """Type, in ONNX Runtime's words where it is floating, and sizes (0: open) of an input."""
    tensor = value.type.tensor_type
    kind = _ELEMENT_TYPES.get(tensor.elem_type, f"element type {tensor.elem_type}")
    return kind, [size.dim_value for size in tensor.shape.dim]


def _groups(sizes: Mapping[str, int], limit: int) -> Iterator[list[str]]:
    """The tensors in order, cut where a group would become larger than the limit."""
    group: list[str] = []
    total = 0
    for name, size in sizes.items():
        if group and total + size > limit:
            yield group
            group, total = [], 0
        group.append(name)
        total += size
    if group:
        yield group
