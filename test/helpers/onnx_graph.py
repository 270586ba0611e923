"""A small graph builder over onnx.helper: nodes and seeded weights are added in order, names are made here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper


class OnnxGraph:
    """Collects nodes; every method that adds a node returns the name of its output tensor."""

    def __init__(self, *, seed: int = 0) -> None:
        self._random = np.random.default_rng(seed)
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []

    def add(self, op_type: str, *inputs: str, name: str = "", outputs: int = 1, **attributes: Any) -> str:
        """Add a node; `name` becomes its name and its first output's name."""
        name = name or f"{op_type.lower()}_{len(self._nodes)}"
        names = [name, *(f"{name}_{index}" for index in range(1, outputs))]
        self._nodes.append(helper.make_node(op_type, list(inputs), names, name=name, **attributes))
        return name

    def constant(self, value: NDArray[Any], name: str = "") -> str:
        """Add an initialiser."""
        name = name or f"constant_{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def conv(
        self, source: str, channels_in: int, channels_out: int, *, kernel: int = 3, stride: int = 1, name: str = ""
    ) -> str:
        """A convolution with weights of a scale that keeps activations near 1, padded to size / stride."""
        name = name or f"conv_{len(self._nodes)}"
        shape = (channels_out, channels_in, kernel, kernel)
        weight = self._random.normal(0, (2 / (channels_in * kernel * kernel)) ** 0.5, shape).astype(np.float32)
        bias = self._random.normal(0, 0.5, channels_out).astype(np.float32)
        return self.add(
            "Conv",
            source,
            self.constant(weight, f"{name}.weight"),
            self.constant(bias, f"{name}.bias"),
            name=name,
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            pads=[kernel // 2] * 4,
        )

    def silu(self, source: str) -> str:
        """x * sigmoid(x)."""
        return self.add("Mul", source, self.add("Sigmoid", source))

    def backbone(self, source: str, *, channels: int = 8, depth: int = 5, factor: float = 1.0) -> dict[int, str]:
        """Stride-2 convolutions with SiLU; the features by stride, e.g. {2: ..., 4: ..., 8: ..., 16: ..., 32: ...}.

        Args:
            factor: On the image first: 1/255 for models that take 0 to 255.
        """
        if factor != 1.0:
            source = self.add("Mul", source, self.constant(np.float32(factor)))
        features: dict[int, str] = {}
        count = 3
        for level in range(depth):
            source = self.silu(self.conv(source, count, channels, stride=2, name=f"backbone.{level}"))
            features[2 ** (level + 1)] = source
            count = channels
        return features

    def save(
        self,
        path: Path,
        *,
        inputs: Mapping[str, tuple[int | str, ...]],
        outputs: Mapping[str, tuple[int | str, ...]],
        output_types: Mapping[str, int] | None = None,
        input_types: Mapping[str, int] | None = None,
        opset: int = 17,
        producer: str = "pytorch",
        metadata: Mapping[str, str] | None = None,
    ) -> Path:
        """Write the model. `inputs` and `outputs` give the announced shapes; a text is a symbolic size."""
        tensors = [
            [
                helper.make_tensor_value_info(name, (types or {}).get(name, TensorProto.FLOAT), shape)
                for name, shape in named.items()
            ]
            for named, types in ((inputs, input_types), (outputs, output_types))
        ]
        graph = helper.make_graph(self._nodes, "main_graph", *tensors, initializer=self._weights)
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", opset)],
            producer_name=producer,
            ir_version=min(8, helper.find_min_ir_version_for([helper.make_opsetid("", opset)])),
        )
        helper.set_model_props(model, dict(metadata or {}))
        onnx.checker.check_model(model)
        onnx.save(model, str(path))
        return path
