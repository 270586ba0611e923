"""The GPU that is here, compared with what nvidia-smi says of it.

Needs a GPU and the nvidia-smi command. The clock at the moment is not compared: it changes between two questions.
"""

from __future__ import annotations

import shutil
import subprocess

import pytest

from trt_perception.engine.cuda_driver import CudaDriver
from trt_perception.engine.gpu_identity import GpuIdentity, current_gpu
from trt_perception.errors import DeviceError

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(shutil.which("nvidia-smi") is None, reason="the nvidia-smi command is not installed"),
]


@pytest.fixture(scope="module")
def gpu() -> GpuIdentity:
    return current_gpu()


def asked(field: str) -> str:
    """What nvidia-smi says of the GPU that CUDA counts as 0."""
    command = ["nvidia-smi", f"--id={CudaDriver().pci_bus_id(0)}", f"--query-gpu={field}"]
    done = subprocess.run([*command, "--format=csv,noheader,nounits"], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("field", "query"),
    [("name", "name"), ("compute_capability", "compute_cap"), ("driver", "driver_version")],
)
def test_texts_are_those_of_nvidia_smi(gpu: GpuIdentity, field: str, query: str) -> None:
    assert getattr(gpu, field) == asked(query)


@pytest.mark.parametrize(
    ("field", "query"), [("max_sm_clock_mhz", "clocks.max.sm"), ("power_limit_w", "enforced.power.limit")]
)
def test_numbers_are_those_of_nvidia_smi(gpu: GpuIdentity, field: str, query: str) -> None:
    text = asked(query)
    if "N/A" in text:
        assert getattr(gpu, field) is None
    else:
        assert getattr(gpu, field) == pytest.approx(float(text), abs=0.01)


def test_memory_is_that_of_the_device_less_what_is_reserved(gpu: GpuIdentity) -> None:
    assert gpu.memory_mib is not None
    assert 0.9 < gpu.memory_mib / float(asked("memory.total")) <= 1.0


def test_the_clock_is_not_above_the_highest(gpu: GpuIdentity) -> None:
    assert gpu.sm_clock_mhz is not None
    assert gpu.max_sm_clock_mhz is not None
    assert 0 < gpu.sm_clock_mhz <= gpu.max_sm_clock_mhz


def test_a_device_that_cuda_does_not_count_is_refused() -> None:
    count = CudaDriver().count()
    with pytest.raises(DeviceError, match=f"GPU {count}: expected an index from 0 to {count - 1}"):
        current_gpu(count)
