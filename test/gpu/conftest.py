"""What the tests on a GPU share: what must be there, and engines that are built once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from trt_perception.errors import PerceptionError
from trt_perception.model.model_spec import ModelSpec


@dataclass(frozen=True, kw_only=True)
class SmallEngine:
    """An engine, its ONNX and its spec."""

    path: Path
    model: Path
    spec: ModelSpec


@pytest.fixture(scope="session")
def trt() -> Any:
    """The TensorRT module, on a machine with a GPU and the CUDA packages."""
    for package in ("tensorrt", "cuda.core", "cuda.bindings", "onnx", "onnxruntime"):
        pytest.importorskip(package, reason=f"needs the package {package}")
    from trt_perception.engine.gpu_identity import current_gpu

    try:
        current_gpu()
    except PerceptionError as error:
        pytest.skip(f"needs a GPU: {error}")
    return pytest.importorskip("tensorrt")


@pytest.fixture(scope="session")
def small(trt: Any, tmp_path_factory: pytest.TempPathFactory) -> SmallEngine:
    """A network of fixed sizes in FP32."""
    from helpers.gpu_engine import build_engine, relu_network, relu_spec

    model = relu_network(tmp_path_factory.mktemp("small") / "small.onnx")
    spec = relu_spec(model)
    return SmallEngine(path=build_engine(model, spec), model=model, spec=spec)


@pytest.fixture(scope="session")
def batched(trt: Any, tmp_path_factory: pytest.TempPathFactory) -> SmallEngine:
    """The same network with a batch of 1 to 4; the spec has 2."""
    from helpers.gpu_engine import build_engine, relu_network, relu_spec

    model = relu_network(tmp_path_factory.mktemp("batched") / "batched.onnx", batch="batch")
    spec = relu_spec(model, batch=2)
    return SmallEngine(path=build_engine(model, spec, largest_batch=4), model=model, spec=spec)
