"""Element types of tensors as the kernels name them."""

from __future__ import annotations

from trt_perception.model.model_spec import TensorType

ELEMENT_TYPES = {
    TensorType.FLOAT32: "float",
    TensorType.FLOAT16: "Half",
    TensorType.INT64: "Int64",
    TensorType.INT32: "int",
    TensorType.UINT8: "Uint8",
    TensorType.INT8: "Int8",
}
"""One word each, so that they can be defined on a compiler's command line; decode/element.cuh says what they are."""
