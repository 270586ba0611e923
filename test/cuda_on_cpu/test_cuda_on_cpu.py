"""Small kernels by the stand-in for CUDA, and the same by the GPU under `-m gpu`: both mean the same by CUDA C++."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trt_perception.kernel_call import KernelCall, KernelSource

if TYPE_CHECKING:
    from helpers.kernel_bench import KernelBench

HERE = Path(__file__).parent


def call(function: str, *arguments: Any, blocks: Any = 1, threads: Any = 32, **options: Any) -> KernelCall:
    """One of good.cu."""
    grid = (blocks, 1, 1) if isinstance(blocks, int) else blocks
    block = (threads, 1, 1) if isinstance(threads, int) else threads
    source = KernelSource(file="good.cu", function=function, defines=(("SCALE", "(3 + 4)"),))
    return KernelCall(source=source, grid=grid, block=block, arguments=arguments, **options)


def test_arguments_and_defines_arrive(kernel_bench: KernelBench) -> None:
    out, text = kernel_bench.room(24), kernel_bench.put(np.frombuffer(b"AB", np.uint8))
    numbers = np.int32(-5), np.int64(9 << 32), np.float32(1.5), np.float64(2.25)
    kernel_bench.run([call("arguments", out, *numbers, text, threads=1)], root=HERE)
    assert kernel_bench.get(out, (6,), np.int32).tolist() == [-5, 9, 3, 9, ord("B"), 7]


def test_every_thread_of_a_grid_runs_once(kernel_bench: KernelBench) -> None:
    out = kernel_bench.room(4 * 24 * 30)
    for _ in range(3):  # the stand-in's three orders
        kernel_bench.run([call("indices", out, blocks=(2, 3, 4), threads=(5, 3, 2))], root=HERE)
        expected = np.arange(24)[:, None] * 1000 + np.arange(30)
        np.testing.assert_array_equal(kernel_bench.get(out, (24, 30), np.int32), expected)


def test_a_reduction_by_shuffles_and_shared_memory(kernel_bench: KernelBench) -> None:
    values = np.random.default_rng(0).integers(-1000, 1000, 1000).astype(np.float32)
    out = kernel_bench.room(8 * 4)
    arguments = kernel_bench.put(values), np.int32(1000), out
    kernel_bench.run([call("block_sums", *arguments, blocks=4, threads=256)], root=HERE)
    padded = np.pad(values, (0, 24)).reshape(4, 256)
    np.testing.assert_array_equal(kernel_bench.get(out, (4,), np.float64), padded.sum(axis=1, dtype=np.float64))


def test_dynamic_shared_memory(kernel_bench: KernelBench) -> None:
    values = np.random.default_rng(1).integers(0, 1000, (3, 96)).astype(np.int32)
    out = kernel_bench.room(values.nbytes)
    arguments = kernel_bench.put(values), out
    kernel_bench.run([call("reversed", *arguments, blocks=3, threads=96, shared_bytes=384)], root=HERE)
    np.testing.assert_array_equal(kernel_bench.get(out, (3, 96), np.int32), values[:, ::-1])


def test_operations_of_a_warp(kernel_bench: KernelBench) -> None:
    out = kernel_bench.room(4 * 12 * 32)
    kernel_bench.run([call("warp_operations", out)], root=HERE)
    lanes = np.arange(32)
    ends = (lanes % 8 < 5) * 3
    expected = [
        (lanes + 1) % 32 * 10,
        np.where(lanes >= 3, lanes - 3, lanes),
        lanes + ends,
        lanes ^ 5,
        np.full(32, sum(1 << lane for lane in range(0, 32, 3)), np.int64).astype(np.int32),
        np.zeros(32),
        np.ones(32),
        np.full(32, 4),
        (31 - lanes) ** 2,
        np.where(lanes < 16, 0xAAAA, 0xCCCC0000).astype(np.uint32).view(np.int32),
        np.full(32, (1 << 32)).astype(np.int32),
        np.full(32, 4.5, np.float32).view(np.int32),
    ]
    np.testing.assert_array_equal(kernel_bench.get(out, (12, 32), np.int32), np.array(expected, np.int32))


def test_barriers_that_count(kernel_bench: KernelBench) -> None:
    out = kernel_bench.room(12)
    kernel_bench.run([call("votes", out, threads=100)], root=HERE)
    assert kernel_bench.get(out, (3,), np.int32).tolist() == [20, 1, 0]


def test_atomics_of_many_blocks(kernel_bench: KernelBench) -> None:
    values = np.random.default_rng(2).integers(-(2**20), 2**20, 3000).astype(np.int32)
    counts = kernel_bench.room(32)
    extremes = kernel_bench.put(np.array([2**30, -(2**30), 0, 0], np.int32))
    best, total = kernel_bench.put(np.zeros(1, np.uint64)), kernel_bench.put(np.zeros(1, np.float32))
    arguments = kernel_bench.put(values), np.int32(3000), counts, extremes, best, total
    kernel_bench.run([call("clear", counts, np.int32(8)), call("tally", *arguments, blocks=12, threads=256)], root=HERE)
    np.testing.assert_array_equal(kernel_bench.get(counts, (8,), np.int32), np.bincount(values & 7, minlength=8))
    found = kernel_bench.get(extremes, (4,), np.int32).tolist()
    assert found == [values.min(), values.max(), np.bitwise_or.reduce(values), 6000]
    assert ~int(kernel_bench.get(best, (1,), np.uint64)[0]) & 0xFFFFFFFF == values.argmax()
    assert kernel_bench.get(total, (1,), np.float32)[0] == 3000


def test_products_are_rounded_before_they_are_added(kernel_bench: KernelBench) -> None:
    rng = np.random.default_rng(3)
    a, b = rng.uniform(1, 2, (2, 256)).astype(np.float32)
    c = -(a * b)  # what a fused multiply-add would leave is not zero
    out = kernel_bench.room(4 * 256)
    arguments = kernel_bench.put(a), kernel_bench.put(b), kernel_bench.put(c), out
    kernel_bench.run([call("products", *arguments, threads=256)], root=HERE)
    np.testing.assert_array_equal(kernel_bench.get(out, (256,), np.float32), np.zeros(256, np.float32))
