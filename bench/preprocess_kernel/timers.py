"""What times a case: the GPU, or a stand-in that makes the same calls and launches nothing."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from bench.preprocess_kernel.case import Case
from trt_perception.kernel_call import KernelCall
from trt_perception.preprocess.frame_layout import FrameLayout
from trt_perception.preprocess.image_preprocessor import ImagePreprocessor
from trt_perception.preprocess.preprocess_kernel import PreprocessKernel

BEYOND_CACHE_BYTES = 400_000_000
"""Of images together: when one comes again, no cache holds it."""
MOST_IMAGES = 200
LAUNCHES = 200
MEMSET_BYTES = 1 << 30


class Timer(Protocol):
    """Times cases."""

    def facts(self) -> dict[str, str]:
        """What the figures depend on."""

    def memset_gb_s(self) -> float:
        """Speed of filling memory, GB/s: what bytes moved are measured against."""

    def measure(self, case: Case) -> dict[str, Any]:
        """`memory_us`: pixels in memory; `cache_us`: where the last copy left them; `differing`: values that are not
        the reference's."""


def _calls(case: Case, images: Sequence[int], constants: int, tensor: int) -> list[KernelCall]:
    kernel, layout = PreprocessKernel(case.spec, pixels_per_thread=case.pixels_per_thread), _layout(case)
    return [
        call for pixels in images for call in kernel.calls(layout, pixels=pixels, constants=constants, tensor=tensor)
    ]


def _layout(case: Case) -> FrameLayout:
    width, height = case.image
    return FrameLayout(encoding=case.encoding, width=width, height=height, step=case.encoding.row_bytes(width))


class RehearsalTimer:
    """Makes frames, constants and calls, and launches nothing."""

    def facts(self) -> dict[str, str]:
        """No GPU."""
        return {"gpu": "none (rehearsal)", "driver": "none"}

    def memset_gb_s(self) -> float:
        """One."""
        return 1.0

    def measure(self, case: Case) -> dict[str, Any]:
        """One microsecond each."""
        assert case.frame(0).data.size == _layout(case).nbytes
        PreprocessKernel(case.spec).constants()
        _calls(case, [4096, 8192], 256, 512)
        return {"memory_us": 1.0, "cache_us": 1.0, "differing": 0}


class GpuTimer:
    """Events around one CUDA graph of many launches; the median of several."""

    def __init__(self, seconds: float) -> None:
        from trt_perception.runtime.gpu import Gpu

        self._gpu = Gpu()
        self._stream = self._gpu.make_stream()
        self._seconds = seconds

    def facts(self) -> dict[str, str]:
        """Name and driver."""
        from trt_perception.engine.gpu_identity import current_gpu

        gpu = current_gpu(0)
        return {"gpu": gpu.name, "driver": gpu.driver}

    def memset_gb_s(self) -> float:
        """Of 1 GiB."""
        memory = self._gpu.allocate(MEMSET_BYTES)
        try:
            us = self._time(lambda _: self._gpu.fill_with_zeros(memory, self._stream), 1, graph=False)
        finally:
            self._gpu.free(memory)
        return MEMSET_BYTES / us / 1e3

    def measure(self, case: Case) -> dict[str, Any]:
        """See Timer."""
        gpu, layout, kernel = self._gpu, _layout(case), PreprocessKernel(case.spec)
        count = min(MOST_IMAGES, 1 + BEYOND_CACHE_BYTES // layout.nbytes)
        step = -(-layout.nbytes // 256) * 256
        constants = kernel.constants()
        images, tensor = gpu.allocate(count * step), gpu.allocate(case.written_bytes)
        table = gpu.allocate(constants.nbytes)
        result = gpu.allocate_pinned(case.written_bytes)
        try:
            frame = case.frame(0)
            gpu.upload(table.address, constants, self._stream)
            for index in range(count):
                gpu.upload(images.address + index * step, frame.data, self._stream)
            addresses = [images.address + index % count * step for index in range(LAUNCHES)]
            many = _calls(case, addresses, table.address, tensor.address)
            times = {
                "memory_us": self._time(lambda handle: self._launch(many, handle), LAUNCHES),
                "cache_us": self._time(lambda handle: self._launch(many[:1] * LAUNCHES, handle), LAUNCHES),
            }
            gpu.download(result, tensor.address, self._stream)
            with gpu.guard("reading the tensor"):
                self._stream.sync()
            dtype = np.dtype(case.dtype.value)
            got = gpu.array(result, shape=case.spec.shape, dtype=dtype)
            want = ImagePreprocessor(case.spec)(frame)[0]
            return {**times, "differing": int((got != want).sum())}
        finally:
            for memory in (images, tensor, table, result):
                gpu.free(memory)

    def _launch(self, calls: Sequence[KernelCall], handle: int) -> None:
        for call in calls:
            self._gpu.launch(call, handle)

    def _time(self, work: Any, launches: int, *, graph: bool = True) -> float:
        """Microseconds a launch."""
        from trt_perception.runtime.captured_work import CapturedWork

        start, end = (self._gpu.make_event(timing=True) for _ in range(2))
        captured = CapturedWork(self._gpu, self._stream, work, graph=graph)
        if graph and not captured.is_graph:
            raise SystemExit(f"expected a CUDA graph, got {captured.note}")
        times: list[float] = []
        try:
            while sum(times) < self._seconds * 1e6 / launches or len(times) < 5:
                self._gpu.record(self._stream, start)
                captured.launch()
                self._gpu.record(self._stream, end)
                with self._gpu.guard("waiting for the kernels"):
                    self._stream.sync()
                times.append((end - start) * 1e3 / launches)
        finally:
            captured.close()
        return statistics.median(times)
