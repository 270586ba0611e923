"""Which GPU is here, asked of libraries that answer as the driver and NVML do."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import pytest

from trt_perception.engine.gpu_identity import GpuIdentity, current_gpu
from trt_perception.errors import ConfigError, DeviceError, MissingError


class FakeCuda:
    """libcuda with two devices; `broken` functions answer with an error."""

    def __init__(self, *broken: str) -> None:
        self.broken = broken

    def __getattr__(self, name: str) -> Callable[..., int]:
        def call(*arguments: Any) -> int:
            if name in self.broken:
                return 999
            getattr(self, f"answer_{name}")(*arguments)
            return 0

        return call

    def answer_cuInit(self, flags: int) -> None:  # noqa: N802
        assert flags == 0

    def answer_cuDriverGetVersion(self, version: Any) -> None:  # noqa: N802
        version._obj.value = 13000

    def answer_cuDeviceGetCount(self, count: Any) -> None:  # noqa: N802
        count._obj.value = 2

    def answer_cuDeviceGet(self, device: Any, index: int) -> None:  # noqa: N802
        device._obj.value = index + 70

    def answer_cuDeviceGetName(self, name: Any, size: int, device: Any) -> None:  # noqa: N802
        name.value = b"NVIDIA H200" if device.value == 70 else b"NVIDIA L4"

    def answer_cuDeviceTotalMem_v2(self, memory: Any, device: Any) -> None:  # noqa: N802
        memory._obj.value = 139 * 2**30

    def answer_cuDeviceGetAttribute(self, value: Any, attribute: int, device: Any) -> None:  # noqa: N802
        value._obj.value = {75: 9, 76: 0}[attribute] if device.value == 70 else {75: 8, 76: 9}[attribute]

    def answer_cuDeviceGetPCIBusId(self, text: Any, size: int, device: Any) -> None:  # noqa: N802
        text.value = b"0000:18:00.0" if device.value == 70 else b"0000:2A:00.0"


class FakeNvml(FakeCuda):
    """libnvidia-ml of the device at 0000:18:00.0; knows of no other."""

    def answer_nvmlInit_v2(self) -> None:  # noqa: N802
        pass

    def answer_nvmlShutdown(self) -> None:  # noqa: N802
        pass

    def answer_nvmlSystemGetDriverVersion(self, text: Any, size: int) -> None:  # noqa: N802
        text.value = b"580.65.06"

    def answer_nvmlDeviceGetEnforcedPowerLimit(self, device: Any, limit: Any) -> None:  # noqa: N802
        limit._obj.value = 700_000

    def answer_nvmlDeviceGetClockInfo(self, device: Any, kind: int, clock: Any) -> None:  # noqa: N802
        clock._obj.value = {1: 345}[kind]

    def answer_nvmlDeviceGetMaxClockInfo(self, device: Any, kind: int, clock: Any) -> None:  # noqa: N802
        clock._obj.value = {1: 1980}[kind]

    def nvmlDeviceGetHandleByPciBusId_v2(self, place: bytes, device: Any) -> int:  # noqa: N802
        return 0 if place == b"0000:18:00.0" else 6


def install(monkeypatch: pytest.MonkeyPatch, **libraries: Any) -> None:
    """Make ctypes find these libraries and no others."""

    def find(name: str) -> Any:
        for word, library in libraries.items():
            if word in name:
                return library
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", find)


FULL = GpuIdentity(
    name="NVIDIA H200",
    compute_capability="9.0",
    driver="580.65.06",
    cuda="13.0",
    memory_mib=139 * 1024,
    sm_clock_mhz=345,
    max_sm_clock_mhz=1980,
    power_limit_w=700.0,
)


def test_everything_is_known_with_driver_and_nvml(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, cuda=FakeCuda(), nvidia=FakeNvml())
    assert current_gpu() == FULL
    assert str(FULL) == "NVIDIA H200 (9.0)"


def test_devices_are_counted_as_cuda_counts_them(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, cuda=FakeCuda(), nvidia=FakeNvml())
    second = current_gpu(1)
    assert (second.name, second.compute_capability, second.sm_clock_mhz) == ("NVIDIA L4", "8.9", None)
    with pytest.raises(DeviceError, match="GPU 2: expected an index from 0 to 1"):
        current_gpu(2)


@pytest.mark.parametrize(
    ("nvml", "unknown"),
    [
        pytest.param(None, {"driver", "sm_clock_mhz", "max_sm_clock_mhz", "power_limit_w"}, id="absent"),
        pytest.param(
            FakeNvml("nvmlInit_v2"), {"driver", "sm_clock_mhz", "max_sm_clock_mhz", "power_limit_w"}, id="not_started"
        ),
        pytest.param(
            object(), {"driver", "sm_clock_mhz", "max_sm_clock_mhz", "power_limit_w"}, id="without_the_functions"
        ),
        pytest.param(FakeNvml("nvmlDeviceGetEnforcedPowerLimit"), {"power_limit_w"}, id="no_power_limit"),
        pytest.param(FakeNvml("nvmlDeviceGetClockInfo"), {"sm_clock_mhz"}, id="no_clock"),
    ],
)
def test_what_nvml_does_not_say_is_unknown(monkeypatch: pytest.MonkeyPatch, nvml: Any, unknown: set[str]) -> None:
    install(monkeypatch, cuda=FakeCuda(), **({} if nvml is None else {"nvidia": nvml}))
    gpu = current_gpu()
    empty = {name for name in vars(gpu) if name != "power_mode" and not getattr(gpu, name)}
    assert empty == unknown
    assert (gpu.name, gpu.compute_capability) == ("NVIDIA H200", "9.0")


def test_without_a_driver_its_installation_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)
    with pytest.raises(MissingError, match=r"libcuda\.so\.1 not found; install the NVIDIA driver"):
        current_gpu()


@pytest.mark.parametrize("function", ["cuInit", "cuDeviceGetCount", "cuDeviceGetName", "cuDeviceGetAttribute"])
def test_a_driver_that_fails_says_where(monkeypatch: pytest.MonkeyPatch, function: str) -> None:
    install(monkeypatch, cuda=FakeCuda(function))
    with pytest.raises(DeviceError, match=f"{function} fails with error 999"):
        current_gpu()


@pytest.mark.parametrize("text", ["", "9", "9.x", "sm_90", "9.0.1", "\u00b2.1", "9999.0"])
def test_a_compute_capability_is_two_numbers(text: str) -> None:
    with pytest.raises(ConfigError, match="expected major and minor"):
        GpuIdentity(name="x", compute_capability=text)
