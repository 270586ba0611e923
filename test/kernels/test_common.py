"""kernels/common.cuh against NumPy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trt_perception.kernel_call import KernelCall, KernelSource

if TYPE_CHECKING:
    from helpers.kernel_bench import KernelBench

HERE = Path(__file__).parent


def call(function: str, count: int, *arguments: Any) -> KernelCall:
    source = KernelSource(file="common.cu", function=function)
    return KernelCall(
        source=source, grid=(-(-count // 256), 1, 1), block=(256, 1, 1), arguments=(*arguments, np.int32(count))
    )


def test_float16_is_that_of_numpy(kernel_bench: KernelBench) -> None:
    words = np.arange(65536, dtype=np.uint16)
    exact = words.view(np.float16).astype(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        rng = np.random.default_rng(0)
        values = np.concatenate([
            exact[:0x7C01], -exact[:0x7C01], np.nextafter(exact[:0x7C00], np.float32(np.inf)),
            (exact[:0x7BFF] + exact[1:0x7C00]) / 2, np.array([65519.99, 65520, 1e9, -1e9, 1e-9], np.float32),
            rng.uniform(-70000, 70000, 1000).astype(np.float32),
        ])[: 2 * 65536]  # fmt: skip
        expected = values.astype(np.float16)
    for start in range(0, len(values), 65536):
        part = np.resize(values[start : start + 65536], 65536)
        numbers, rounded = kernel_bench.room(4 * 65536), kernel_bench.room(2 * 65536)
        arguments = kernel_bench.put(words), numbers, kernel_bench.put(part), rounded
        kernel_bench.run([call("halves", 65536, *arguments)], root=HERE)
        np.testing.assert_array_equal(kernel_bench.get(numbers, (65536,), np.float32), exact)
        wanted = np.resize(expected[start : start + 65536], 65536)
        np.testing.assert_array_equal(
            kernel_bench.get(rounded, (65536,), np.uint16), wanted.view(np.uint16), err_msg="bits"
        )


def test_the_largest_key_is_the_best_score_and_then_the_first_index(kernel_bench: KernelBench) -> None:
    rng = np.random.default_rng(1)
    scores = np.concatenate([rng.normal(0, 1e3, 500), [0.0, np.inf, -np.inf, 1e-45, -1e-45]]).astype(np.float32)
    scores = np.concatenate([scores, scores])  # every score twice
    count = len(scores)
    out, back, indices = kernel_bench.room(8 * count), kernel_bench.room(4 * count), kernel_bench.room(4 * count)
    kernel_bench.run([call("keys", count, kernel_bench.put(scores), out, back, indices)], root=HERE)
    best_first = np.argsort(kernel_bench.get(out, (count,), np.uint64))[::-1]
    np.testing.assert_array_equal(best_first, np.lexsort((np.arange(count), -scores)))
    np.testing.assert_array_equal(kernel_bench.get(back, (count,), np.float32), scores)
    np.testing.assert_array_equal(kernel_bench.get(indices, (count,), np.uint32), np.arange(count))
