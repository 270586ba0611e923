"""One head's kernels on a bench, beside the decoder that they have to equal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from helpers.kernel_bench import KernelBench
from trt_perception.decode.head_kernels import HeadKernels
from trt_perception.decode.make_decoder import make_decoder
from trt_perception.decode.make_head_kernels import make_head_kernels
from trt_perception.errors import FrameError
from trt_perception.model.model_spec import ModelSpec
from trt_perception.preprocess.image_transform import ImageTransform
from trt_perception.result import HeadResult
from trt_perception.thresholds import Thresholds


def head_kernels(spec: ModelSpec) -> HeadKernels:
    """The kernels of the spec's first head."""
    return make_head_kernels(spec.heads[0], spec, {output.name: output.dtype for output in spec.outputs})


def by_kernels(
    bench: KernelBench,
    spec: ModelSpec,
    outputs: Mapping[str, NDArray[Any]],
    size: tuple[int, int],
    thresholds: Thresholds | None = None,
) -> HeadResult:
    """The result of the spec's first head as its kernels make it, twice with the same bytes.

    Args:
        outputs: The model's outputs.
        size: Width and height of the image.
    """
    kernels = head_kernels(spec)
    transform = ImageTransform.of(*size, spec.inputs[0])
    addresses = {name: int(bench.put(tensor)) for name, tensor in outputs.items()}
    limits = int(bench.put(kernels.limits(thresholds or Thresholds()))) if kernels.limits_bytes else 0
    results: list[NDArray[np.uint8]] = []
    for _ in range(2):
        workspace, result = (int(bench.room(n)) for n in (kernels.workspace_bytes, kernels.result_bytes(transform)))
        bench.run(kernels.calls(addresses, transform, limits=limits, workspace=workspace, result=result))
        results.append(bench.get(result, (kernels.result_bytes(transform),), np.uint8))
    assert np.array_equal(results[0], results[1])
    return kernels.read(results[0], transform)


def by_decoder(
    spec: ModelSpec, outputs: Mapping[str, NDArray[Any]], size: tuple[int, int], thresholds: Thresholds | None = None
) -> HeadResult:
    """The same by the reference."""
    transform = ImageTransform.of(*size, spec.inputs[0])
    return make_decoder(spec.heads[0], spec).decode(outputs, transform, thresholds or Thresholds())


def problem_of(
    bench: KernelBench, spec: ModelSpec, outputs: Mapping[str, NDArray[Any]], size: tuple[int, int]
) -> tuple[str, str]:
    """What the kernels and what the reference say of outputs that cannot be used."""
    return (
        _problem(lambda: by_kernels(bench, spec, outputs, size)),
        _problem(lambda: by_decoder(spec, outputs, size)),
    )


def _problem(way: Callable[[], HeadResult]) -> str:
    try:
        return f"no error, but {way()}"
    except FrameError as error:
        return str(error)
