"""What holds for every test."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from helpers.gpu_pipeline_rig import MakeRig
    from helpers.kernel_bench import KernelBench

# A job that a shell runs in the background ignores Ctrl-C, and so would all processes that tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A loaded machine takes its time over one example; pytest-timeout limits the whole test. In CI the examples are the
# same at every run: what it says is about the change. New ones are looked for wherever else the tests run.
settings.register_profile("project", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("project")


@pytest.fixture(scope="session")
def cpu_compiler(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Compiles kernels for the CPU."""
    from helpers.cpu_kernel import CpuCompiler

    return CpuCompiler(tmp_path_factory.mktemp("cuda_on_cpu"))


@pytest.fixture(scope="session")
def kernel_gpu(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The first GPU, with a cache of kernels of its own."""
    for package in ("cuda.core", "cuda.bindings"):
        pytest.importorskip(package, reason=f"needs the package {package}")
    from trt_perception.engine.cuda_driver import CudaDriver
    from trt_perception.errors import PerceptionError
    from trt_perception.runtime.gpu import Gpu
    from trt_perception.runtime.kernel_cache import KernelCache

    try:
        CudaDriver().device(0)
    except PerceptionError as error:
        pytest.skip(f"needs a GPU: {error}")
    return Gpu(kernel_cache=KernelCache(tmp_path_factory.mktemp("kernels")))


@pytest.fixture(params=["cpu", pytest.param("gpu", marks=pytest.mark.gpu)])
def kernel_bench(request: pytest.FixtureRequest) -> Iterator[KernelBench]:
    """Where a test's kernels run: on the CPU, and under `-m gpu` on the GPU."""
    if request.param == "cpu":
        from helpers.cpu_kernel_bench import CpuKernelBench

        bench: KernelBench = CpuKernelBench(request.getfixturevalue("cpu_compiler"))
    else:
        from helpers.gpu_kernel_bench import GpuKernelBench

        gpu = request.getfixturevalue("kernel_gpu")
        gpu.use()
        bench = GpuKernelBench(gpu)
    yield bench
    bench.clear()


@pytest.fixture
def make_rig(tmp_path: Path, cpu_compiler: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeRig]:
    """Makes simulated GPUs with one engine; kernels run on the CPU. Images are small from the start."""
    from helpers.cpu_kernel_bench import CpuKernelBench
    from helpers.gpu_pipeline_rig import GpuRig

    from trt_perception.runtime import usual_frame

    monkeypatch.setattr(usual_frame, "WIDTH", 48)
    monkeypatch.setattr(usual_frame, "HEIGHT", 40)
    bench = CpuKernelBench(cpu_compiler)

    rigs: list[GpuRig] = []

    def make(**options: Any) -> GpuRig:
        rigs.append(GpuRig(tmp_path, bench=bench, **options))
        return rigs[-1]

    yield make
    for rig in rigs:
        rig.device.is_lost = True  # masks that live on free nothing on a device that is gone
    bench.clear()
