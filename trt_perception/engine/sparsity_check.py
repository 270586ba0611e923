"""Whether weights are 2:4 sparse: of every four neighbours along the input channels, two are zero."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trt_perception.errors import ConfigError, MissingError
from trt_perception.precision.graph_view import GraphView

_THROUGH = ("DequantizeLinear", "QuantizeLinear", "Cast", "Identity")
_OPERATORS = ("Conv", "Gemm", "MatMul")
_MULTIPLE_IN, _MULTIPLE_OUT = 16, 8


@dataclass(frozen=True, kw_only=True)
class SparsityCheck:
    """The layers that sparse kernels could serve.

    Those are the ones that pruning tools prune: input channels in multiples of 16, output channels of 8.

    Args:
        sparse: Nodes with 2:4 sparse weights.
        dense: Nodes with other weights.
    """

    sparse: tuple[str, ...]
    dense: tuple[str, ...]

    def require(self) -> None:
        """Pass where there are such layers, and all of them are sparse.

        Raises:
            ConfigError: Says how many are.
        """
        if self.dense or not self.sparse:
            total = len(self.sparse) + len(self.dense)
            shown = f", not {', '.join(self.dense[:3])}" if self.dense else ""
            raise ConfigError(
                "engine option sparsity",
                f"expected 2:4 sparse weights, got them in {len(self.sparse)} of {total} layers{shown}",
                "prune the model before it is quantized, or leave the option out",
            )


def check_sparsity(onnx_path: Path) -> SparsityCheck:
    """Look at the weights of a graph, quantized or not.

    Raises:
        MissingError: The onnx package is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise MissingError("the Python package onnx, which reads the weights", "pip install onnx") from error
    view = GraphView(onnx.load(str(onnx_path)))
    sparse: list[str] = []
    dense: list[str] = []
    for node in view.nodes:
        rows = _rows(view, node) if node.op_type in _OPERATORS else None
        if rows is None or rows.shape[0] % _MULTIPLE_OUT or rows.shape[-1] % _MULTIPLE_IN:
            continue
        (sparse if _is_sparse(rows) else dense).append(node.name)
    return SparsityCheck(sparse=tuple(sparse), dense=tuple(dense))


def _is_sparse(rows: NDArray[Any]) -> bool:
    return bool((np.count_nonzero(rows.reshape(-1, 4), axis=1) <= 2).all())


def _rows(view: GraphView, node: Any) -> NDArray[Any] | None:
    """The constant weights as (outputs, positions, inputs); None where they are not constant."""
    tensor = node.input[1]
    while tensor in view.maker and view.nodes[view.maker[tensor]].op_type in _THROUGH:
        tensor = view.nodes[view.maker[tensor]].input[0]
    weights = view.constant(tensor)
    if weights is None or weights.ndim < 2:
        return None
    if node.op_type == "Conv":
        return np.moveaxis(weights.reshape(*weights.shape[:2], -1), 1, 2)
    transposed = node.op_type == "Gemm" and any(item.name == "transB" and item.i for item in node.attribute)
    rows = weights if transposed else np.swapaxes(weights, -1, -2)
    return rows.reshape(-1, 1, rows.shape[-1])
