"""What the tests of the GPU path's benches need."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.gpu_pipeline_rig import GpuRig, MakeRig

from trt_perception.runtime import usual_frame


@pytest.fixture
def make_rig(tmp_path: Path, cpu_compiler: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeRig]:
    """Makes simulated GPUs with one engine; kernels run on the CPU. Images are small from the start."""
    from helpers.cpu_kernel_bench import CpuKernelBench

    monkeypatch.setattr(usual_frame, "WIDTH", 48)
    monkeypatch.setattr(usual_frame, "HEIGHT", 40)
    bench = CpuKernelBench(cpu_compiler)

    def make(**options: Any) -> GpuRig:
        return GpuRig(tmp_path, bench=bench, **options)

    yield make
    bench.clear()
