"""The driver as the doctor sees it, through a library that answers as libcuda does."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest

from trt_perception.doctor import gpu_checks as module
from trt_perception.doctor.finding import Level
from trt_perception.doctor.gpu_checks import gpu_checks
from trt_perception.errors import MissingError


class FakeCuda:
    """The few functions that the doctor calls; `status` is what cuInit answers."""

    def __init__(self, status: int = 0) -> None:
        self.status = status

    def cuInit(self, flags: int) -> int:  # noqa: N802
        return self.status

    def cuDriverGetVersion(self, version: Any) -> None:  # noqa: N802
        version._obj.value = 12060

    def cuDeviceGetCount(self, count: Any) -> None:  # noqa: N802
        count._obj.value = 1

    def cuDeviceGet(self, device: Any, index: int) -> None:  # noqa: N802
        device._obj.value = index

    def cuDeviceGetName(self, name: Any, size: int, device: Any) -> None:  # noqa: N802
        name.value = b"Orin"

    def cuDeviceTotalMem_v2(self, memory: Any, device: Any) -> None:  # noqa: N802
        memory._obj.value = 32 * 2**30

    def cuDeviceGetAttribute(self, value: Any, attribute: int, device: Any) -> None:  # noqa: N802
        value._obj.value = {75: 8, 76: 7}[attribute]


def test_names_driver_and_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: FakeCuda())
    driver, device = gpu_checks()[:2]
    assert (driver.level, driver.detail) == (Level.OK, "CUDA 12.6")
    assert device.detail == "Orin, compute capability 8.7, 32 GiB"


def test_an_absent_driver_is_missing_for_tensorrt(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> FakeCuda:
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", absent)
    driver = gpu_checks()[0]
    assert driver.level is Level.MISSING
    assert "tensorrt" in driver.needed_for
    assert "install the NVIDIA driver" in driver.remedy


def test_a_driver_that_does_not_start_says_its_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: FakeCuda(status=803))
    driver = gpu_checks()[0]
    assert driver.level is Level.MISSING
    assert "803" in driver.detail


def test_an_absent_kernel_compiler_names_the_path_that_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> None:
        raise MissingError("NVRTC cannot be loaded", "install it")

    monkeypatch.setattr(module, "KernelCompiler", absent)
    found = next(finding for finding in gpu_checks() if finding.subject == "NVRTC")
    assert (found.level, found.detail) == (Level.MISSING, "NVRTC cannot be loaded")
    assert "tensorrt" in found.needed_for
    assert "`path: host`" in found.remedy


def test_the_version_of_the_kernel_compiler_is_told() -> None:
    pytest.importorskip("cuda.bindings.nvrtc", reason="cuda-bindings is not here")
    found = next(finding for finding in gpu_checks() if finding.subject == "NVRTC")
    assert found.level is Level.OK
    assert found.detail[0].isdigit()
