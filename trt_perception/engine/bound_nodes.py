"""Which nodes a precision plan binds, and to what: those that an engine is judged by."""

from __future__ import annotations

from trt_perception.precision.account import Account
from trt_perception.precision.precision_plan import Precision, Region

_WEIGHTED = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})


def bound_nodes(account: Account) -> dict[str, Precision]:
    """The bound nodes with their precision, in the order of the graph.

    - Weighted layers that were quantized: INT8. Adds whose inputs were quantized, too: TensorRT may still compute them
      in floats, which is not wrong, only slower.
    - `flags`: layers that the builder was told to pin.
    - `strong`: what is FP32, and what is FP16 in a region that is not INT8 or by exception. The rest of an INT8 region
      is written as FP16, but TensorRT may fuse it into the INT8 layers around.
    - `carried`: of the layers that came without quantizers the weighted ones must stay floating; FP16 says no more.

    Args:
        account: What `quantize` gave with the graph.
    """
    result = {}
    for node in account.nodes:
        if node.precision is Precision.INT8:
            result[node.name] = Precision.INT8
        elif account.emitter == "flags":
            if node.name in account.layer_precisions:
                result[node.name] = account.layer_precisions[node.name]
        elif account.emitter == "carried":
            if node.op_type in _WEIGHTED:
                result[node.name] = Precision.FP16
        elif node.precision is Precision.FP32 or node.reason or _floating_region(account, node.region):
            result[node.name] = node.precision
    return result


def _floating_region(account: Account, region: Region) -> bool:
    return account.plan.precision(region) is not Precision.INT8
