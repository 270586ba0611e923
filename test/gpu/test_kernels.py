"""Kernels compiled by NVRTC, launched and captured. What they compute is tested beside each of them, with `-m gpu`.

Needs a GPU, the CUDA packages and NVRTC; no TensorRT.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.gpu_memory import least_taken

from trt_perception.errors import DeviceError
from trt_perception.kernel_call import KernelCall, KernelSource
from trt_perception.runtime.captured_work import CapturedWork
from trt_perception.runtime.gpu import Gpu, Memory
from trt_perception.runtime.kernel_cache import KernelCache

pytestmark = pytest.mark.gpu

SMALL = Path(__file__).parents[1] / "cuda_on_cpu"
SOURCE = KernelSource(file="good.cu", function="indices", defines=(("SCALE", "7"),))
COUNT = 24 * 30


@pytest.fixture
def gpu(kernel_gpu: Any) -> Gpu:
    assert isinstance(kernel_gpu, Gpu)
    kernel_gpu.use()
    return kernel_gpu


@pytest.fixture
def out(gpu: Gpu) -> Iterator[Memory]:
    memory = gpu.allocate(4 * COUNT)
    yield memory
    gpu.free(memory)


@pytest.fixture
def call(gpu: Gpu, out: Memory) -> KernelCall:
    gpu.load_kernel(SOURCE, root=SMALL)
    return KernelCall(source=SOURCE, grid=(2, 3, 4), block=(5, 3, 2), arguments=(np.uint64(out.address),))


def read(gpu: Gpu, out: Memory, stream: Any) -> list[int]:
    memory = gpu.allocate_pinned(out.nbytes)
    gpu.download(memory, out.address, stream)
    stream.sync()
    values: list[int] = gpu.array(memory, shape=(COUNT,), dtype=np.dtype(np.int32)).tolist()
    gpu.free(memory)
    return values


def test_a_call_can_be_captured_and_repeated_without_allocating(gpu: Gpu, out: Memory, call: KernelCall) -> None:
    stream = gpu.make_stream()
    captured = CapturedWork(gpu, stream, lambda handle: gpu.launch(call, handle))
    assert captured.note == "CUDA graph"
    expected = (np.arange(24)[:, None] * 1000 + np.arange(30)).reshape(-1).tolist()

    def work() -> None:
        for _ in range(1000):
            gpu.fill_with_zeros(out, stream)
            captured.launch()
        stream.sync()

    assert least_taken(gpu, work) == (0, 0)
    assert read(gpu, out, stream) == expected
    captured.close()


def test_another_process_finds_the_kernel_in_the_cache(gpu: Gpu, tmp_path: Path, out: Memory) -> None:
    cache = KernelCache(tmp_path)
    Gpu(kernel_cache=cache).load_kernel(SOURCE, root=SMALL)
    (kept,) = tmp_path.glob("*.cubin")
    before = kept.stat().st_ino  # a new file takes the old one's place; its times tell when it was used
    second = Gpu(kernel_cache=cache)
    second.load_kernel(SOURCE, root=SMALL)
    assert kept.stat().st_ino == before
    stream = second.make_stream()
    call = KernelCall(source=SOURCE, grid=(2, 3, 4), block=(5, 3, 2), arguments=(np.uint64(out.address),))
    second.launch(call, int(stream.handle))
    assert read(second, out, stream)[-1] == 23 * 1000 + 29


def test_the_driver_tells_the_sizes_of_parameters(gpu: Gpu, call: KernelCall) -> None:
    source = replace(SOURCE, function="arguments")
    assert gpu.load_kernel(source, root=SMALL).parameter_bytes == (8, 4, 8, 4, 8, 8)
    with pytest.raises(ValueError, match="its parameters have 8 bytes, got arguments of 8, 4"):
        gpu.launch(replace(call, arguments=(*call.arguments, np.int32(1))), 0)


def test_a_function_that_is_not_there_is_named(gpu: Gpu) -> None:
    with pytest.raises(DeviceError, match=r"loading good\.cu: missing .*failed") as caught:
        gpu.load_kernel(replace(SOURCE, function="missing"), root=SMALL)
    assert not caught.value.is_sticky


def test_a_kernel_that_does_not_compile_gives_the_compilers_log(gpu: Gpu) -> None:
    source = KernelSource(file="broken.cu", function="broken", defines=(("NAME", "nothing"),))
    with pytest.raises(DeviceError, match=r'broken\.cu -DNAME=nothing does not compile [\s\S]*"nothing" is undefined'):
        gpu.load_kernel(source, root=SMALL)


def test_a_launch_that_asks_for_too_much_is_refused_and_harms_nothing(gpu: Gpu, out: Memory, call: KernelCall) -> None:
    stream = gpu.make_stream()
    # More threads than CUDA gives, which no KernelCall can say.
    wrong = replace(call)
    object.__setattr__(wrong, "block", (2048, 1, 1))
    with pytest.raises(DeviceError, match="cuLaunchKernel fails: CUDA_ERROR_INVALID_VALUE") as caught:
        gpu.launch(wrong, int(stream.handle))
    assert not caught.value.is_sticky
    gpu.launch(call, int(stream.handle))
    assert read(gpu, out, stream)[1] == 1


def test_host_memory_of_others_is_read_by_kernels_once_it_is_registered(gpu: Gpu) -> None:
    import mmap

    source = replace(SOURCE, function="reversed")
    gpu.load_kernel(source, root=SMALL)
    with mmap.mmap(-1, 2 * mmap.PAGESIZE) as shared:
        values = np.frombuffer(shared, np.int32)
        values[:96] = np.arange(96)
        address = values.ctypes.data
        assert gpu.device_address(address) is None
        gpu.register(address, 2 * mmap.PAGESIZE)
        seen = gpu.device_address(address)
        assert seen is not None
        stream = gpu.make_stream()
        arguments = (np.uint64(seen), np.uint64(seen + mmap.PAGESIZE))
        call = KernelCall(source=source, grid=(1, 1, 1), block=(96, 1, 1), arguments=arguments, shared_bytes=384)
        gpu.launch(call, int(stream.handle))
        stream.sync()
        assert values[1024 : 1024 + 96].tolist() == list(range(95, -1, -1))
        gpu.unregister(address)
        assert gpu.device_address(address) is None
        del values
