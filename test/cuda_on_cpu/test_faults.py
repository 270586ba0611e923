"""What the stand-in for CUDA finds wrong with a kernel, and how it says so. On a GPU compute-sanitizer does this."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import cpu_kernel_bench
from helpers.cpu_kernel import CpuCompiler
from helpers.cpu_kernel_bench import CpuKernelBench
from helpers.kernel_bench import KernelFault

from trt_perception.kernel_call import KernelCall, KernelSource

HERE = Path(__file__).parent


@pytest.fixture
def bench(cpu_compiler: Any) -> Iterator[CpuKernelBench]:
    made = CpuKernelBench(cpu_compiler)
    yield made
    made.clear()


def call(function: str, *arguments: Any, threads: int = 64, shared_bytes: int = 0) -> KernelCall:
    """One of bad.cu."""
    source = KernelSource(file="bad.cu", function=function)
    return KernelCall(
        source=source, grid=(1, 1, 1), block=(threads, 1, 1), arguments=arguments, shared_bytes=shared_bytes
    )


OUTSIDE = {
    "writes_behind": (63, 63, 1, r"writes 0 bytes behind the end of memory of 252 bytes"),
    "writes_far_behind": (64, 64, 64, r"illegal address .*, 0 bytes behind the end of memory of 256 bytes"),
    "writes_before": (64, 60, -1, r"writes 1 bytes before memory of 240 bytes"),
    "reads_behind": (128, 128, 0, r"illegal address .*, 0 bytes behind the end of memory of 256 bytes"),
    "nowhere": (64, 64, 1 << 28, r"illegal address .*, which is in or next to no memory of this test"),
}


@pytest.mark.parametrize(("count", "size", "shift", "problem"), OUTSIDE.values(), ids=OUTSIDE.keys())
def test_what_lies_outside_of_its_memory_is_found(
    bench: CpuKernelBench, count: int, size: int, shift: int, problem: str
) -> None:
    values, out = bench.put(np.zeros(64, np.int32)), bench.room(4 * size)
    with pytest.raises(KernelFault, match=problem):
        bench.run([call("copy", values, out, np.int32(count), np.int32(shift), threads=128)], root=HERE)


DIVERGENCE = {
    "barrier_in_a_branch": (64, r"barrier divergence: .*(returns while others wait at|has returned)"),
    "two_barriers": (64, r"barrier divergence: __syncthreads in line \d+, thread .* waits in line \d+"),
    "early_return": (64, r"barrier divergence"),
    "ballot_in_a_branch": (64, r"warp divergence: .*a vote"),
    "two_operations": (32, r"warp divergence: line \d+: a vote with mask .* lane \d+ waits in line \d+ at __shfl"),
    "barrier_against_warp": (32, r"divergence: this thread waits in line \d+ at .*, thread .* in line \d+ at "),
    "foreign_mask": (32, r"a vote: mask 0xffff0000 does not name its own lane"),
}


@pytest.mark.parametrize("function", DIVERGENCE)
def test_threads_that_do_not_meet_are_found_in_every_order(bench: CpuKernelBench, function: str) -> None:
    threads, problem = DIVERGENCE[function]
    found = []
    for _ in cpu_kernel_bench.ORDERS:
        with pytest.raises(KernelFault, match=r"bad\.cu: \w+: block \(0, 0, 0\), thread \(\d+, 0, 0\): ") as caught:
            bench.run([call(function, bench.room(256), threads=threads)], root=HERE)
        found.append(str(caught.value))
    assert any(re.search(problem, text) for text in found), found


def test_what_a_missing_barrier_gives_depends_on_the_order(bench: CpuKernelBench) -> None:
    results = []
    for _ in cpu_kernel_bench.ORDERS:
        out = bench.room(256)
        bench.run([call("race", out)], root=HERE)
        results.append(bench.get(out, (64,), np.int32))
    assert all((result != np.arange(63, -1, -1)).any() for result in results)
    assert (results[0] != results[1]).any()


SHARED = {
    "dynamic": (("dynamic_overrun",), 64, r"writes byte 64 of dynamic shared memory, and has 64"),
    "static": (("static_overrun", np.int32(32)), 0, r"index 32 out of bounds"),
}


@pytest.mark.parametrize(("wanted", "shared_bytes", "problem"), SHARED.values(), ids=SHARED.keys())
def test_more_shared_memory_than_there_is_is_found(
    bench: CpuKernelBench, wanted: tuple[Any, ...], shared_bytes: int, problem: str
) -> None:
    function, *rest = wanted
    with pytest.raises(KernelFault, match=problem):
        bench.run([call(function, bench.room(256), *rest, threads=32, shared_bytes=shared_bytes)], root=HERE)


def test_an_address_that_no_gpu_reads_is_found(bench: CpuKernelBench) -> None:
    with pytest.raises(KernelFault, match="misaligned address"):
        bench.run([call("misaligned", bench.room(8), bench.room(4), threads=1)], root=HERE)


def test_more_stack_than_a_thread_has_is_found(bench: CpuKernelBench) -> None:
    with pytest.raises(KernelFault, match=r"deep_stack: .*: (uses more than the 128 KiB of stack|illegal address)"):
        bench.run([call("deep_stack", bench.room(256))], root=HERE)


def test_a_trap_is_found(bench: CpuKernelBench) -> None:
    with pytest.raises(KernelFault, match="__trap was called"):
        bench.run([call("trap", bench.put(np.array([7], np.int32)), threads=1)], root=HERE)


def test_a_kernel_that_does_not_end_is_found(bench: CpuKernelBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu_kernel_bench, "LIMIT_S", 1)
    with pytest.raises(KernelFault, match=r"endless: block .*: does not end within 1 s"):
        bench.run([call("endless", bench.put(np.array([7], np.int32)), threads=1)], root=HERE)


def test_a_kernel_that_does_not_compile_says_what_the_compiler_says(bench: CpuKernelBench) -> None:
    source = KernelSource(file="broken.cu", function="broken", defines=(("NAME", "nothing"),))
    wrong = KernelCall(source=source, grid=(1, 1, 1), block=(1, 1, 1), arguments=(bench.room(4),))
    with pytest.raises(KernelFault, match=r"broken\.cu -DNAME=nothing: [\s\S]*nothing.* was not declared"):
        bench.run([wrong], root=HERE)


def test_a_function_that_is_not_there_is_named(bench: CpuKernelBench) -> None:
    with pytest.raises(KernelFault, match=r"bad\.cu has no kernel 'missing'; it has copy, barrier_in_a_branch, "):
        bench.run([call("missing", bench.room(4))], root=HERE)


def test_compilers_of_one_process_keep_to_themselves(bench: CpuKernelBench, tmp_path: Path) -> None:
    other = CpuKernelBench(CpuCompiler(tmp_path))
    try:
        for each in (bench, other, bench):
            values, out = each.put(np.arange(64, dtype=np.int32)), each.room(256)
            each.run([call("copy", values, out, np.int32(64), np.int32(0))], root=HERE)
            assert each.get(out, (64,), np.int32).tolist() == list(range(64))
    finally:
        other.clear()


ARGUMENTS = {
    "too_few": ((np.uint64(0), np.uint64(0), np.int32(0)), "takes 4 arguments, got 3"),
    "wide": ((np.uint64(0), np.uint64(0), np.int64(0), np.int32(0)), "parameter 2 is an int of 32 bits, got int64 0"),
    "number_for_address": (
        (np.int64(0), np.uint64(0), np.int32(0), np.int32(0)),
        "parameter 0 is a pointer, got int64",
    ),
}


@pytest.mark.parametrize(("arguments", "problem"), ARGUMENTS.values(), ids=ARGUMENTS.keys())
def test_arguments_that_are_not_those_of_the_kernel_are_found(
    bench: CpuKernelBench, arguments: tuple[Any, ...], problem: str
) -> None:
    with pytest.raises(KernelFault, match=problem):
        bench.run([call("copy", *arguments)], root=HERE)
