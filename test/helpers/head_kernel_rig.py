"""Runs the kernels of one head on outputs of a model, as a pipeline would."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from helpers.kernel_bench import KernelBench
from numpy.typing import NDArray

from trt_perception.decode.make_head_kernels import make_head_kernels
from trt_perception.model.model_spec import HeadSpec, ModelSpec, TensorType
from trt_perception.preprocess.image_transform import ImageTransform
from trt_perception.result import HeadResult
from trt_perception.thresholds import Thresholds


def kernel_block(
    bench: KernelBench,
    spec: ModelSpec,
    outputs: Mapping[str, NDArray[Any]],
    transform: ImageTransform,
    thresholds: Thresholds | None = None,
    *,
    head: HeadSpec | None = None,
) -> NDArray[np.uint8]:
    """The block that the kernels leave for these outputs. The engine's types are those of the arrays."""
    kernels = make_head_kernels(head or spec.heads[0], spec, engine_types(outputs))
    limits = kernels.limits(thresholds or Thresholds())
    assert limits.nbytes == kernels.limits_bytes
    nbytes = kernels.result_bytes(transform)
    result = bench.room(nbytes)
    calls = kernels.calls(
        {name: int(bench.put(output)) for name, output in outputs.items()},
        transform,
        limits=int(bench.put(limits)) if limits.nbytes else 0,
        workspace=int(bench.room(kernels.workspace_bytes)),
        result=int(result),
    )
    bench.run(calls)
    return bench.get(result, (nbytes,), np.uint8)


def decode_by_kernels(
    bench: KernelBench,
    spec: ModelSpec,
    outputs: Mapping[str, NDArray[Any]],
    transform: ImageTransform,
    thresholds: Thresholds | None = None,
    *,
    head: HeadSpec | None = None,
) -> HeadResult:
    """The head's result, read from that block.

    Raises:
        FrameError: As the kernels' `read`.
    """
    block = kernel_block(bench, spec, outputs, transform, thresholds, head=head)
    bench.clear()
    kernels = make_head_kernels(head or spec.heads[0], spec, engine_types(outputs))
    return kernels.read(block, transform)


def engine_types(outputs: Mapping[str, NDArray[Any]]) -> dict[str, TensorType]:
    """The types of arrays, by name."""
    return {name: TensorType(output.dtype.name) for name, output in outputs.items()}
