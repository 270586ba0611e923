"""Loading and launching with stand-ins for the driver; what NVRTC compiles is in test_kernel_compiler.py, and
test/gpu/test_kernels.py launches for real."""

from __future__ import annotations

import ctypes
import enum
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from trt_perception.errors import DeviceError
from trt_perception.kernel_call import KernelCall, KernelSource
from trt_perception.runtime import kernel_launcher
from trt_perception.runtime.kernel_cache import KernelCache
from trt_perception.runtime.kernel_launcher import KernelLauncher

SOURCE = KernelSource(file="decode/boxes.cu", function="score_filter", defines=(("CLASSES", "80"),))
ARGUMENTS = (np.uint64(2**40), np.int32(-7), np.float32(0.5), np.float64(-0.0), np.int64(-(2**40)))
CALL = KernelCall(source=SOURCE, grid=(4, 3, 2), block=(256, 1, 1), arguments=ARGUMENTS, shared_bytes=64)


class Status(enum.IntEnum):
    CUDA_SUCCESS = 0
    CUDA_ERROR_INVALID_VALUE = 1


class Driver:
    """Reads the arguments as CUDA does: by one pointer each."""

    CUresult = Status

    def __init__(self) -> None:
        self.status = Status.CUDA_SUCCESS
        self.launched: list[tuple[Any, ...]] = []

    def cuLaunchKernel(self, *values: Any) -> tuple[Status]:  # noqa: N802
        *front, pointers, extra = values
        assert extra == 0
        addresses = (ctypes.c_void_p * len(ARGUMENTS)).from_address(pointers)
        read = [
            np.frombuffer(ctypes.string_at(address, argument.nbytes), argument.dtype)[0]
            for address, argument in zip(addresses, ARGUMENTS, strict=True)
        ]
        self.launched.append((*front, *read))
        return (self.status,)


class Compiler:
    """In place of NVRTC."""

    compiled: list[tuple[str, str]]

    def __init__(self, *, cache: KernelCache | None) -> None:
        assert cache is not None

    def architecture(self, compute_capability: tuple[int, int]) -> str:
        return "sm_{}{}".format(*compute_capability)

    def compile(self, source: KernelSource, architecture: str, *, root: Path) -> bytes:
        Compiler.compiled.append((source.file, architecture))
        return b"cubin"


@pytest.fixture
def driver() -> Driver:
    return Driver()


@pytest.fixture
def parameters() -> list[Any]:
    """What the driver says of the kernel's parameters."""
    return [SimpleNamespace(size=argument.nbytes) for argument in ARGUMENTS]


@pytest.fixture
def launcher(driver: Driver, parameters: list[Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> KernelLauncher:
    class Kernel:
        handle = 4711

        @property
        def arguments_info(self) -> list[Any]:
            if not parameters:
                raise NotImplementedError
            return parameters

    Compiler.compiled = []
    monkeypatch.setattr(kernel_launcher, "KernelCompiler", Compiler)
    module = SimpleNamespace(get_kernel=lambda name: Kernel())
    core = SimpleNamespace(ObjectCode=SimpleNamespace(from_cubin=lambda code, name: module))
    return KernelLauncher(
        core,
        driver,
        compute_capability=(9, 0),
        cache=KernelCache(tmp_path),
        error=lambda problem: DeviceError(f"GPU 0: {problem}"),
    )


def test_a_file_is_compiled_once_for_each_set_of_constants(launcher: KernelLauncher) -> None:
    assert launcher.find(SOURCE) is None
    kernel = launcher.load(SOURCE)
    assert launcher.load(SOURCE) is launcher.find(SOURCE) is kernel
    launcher.load(replace(SOURCE, function="top_k"))
    launcher.load(replace(SOURCE, defines=(("CLASSES", "2"),)))
    assert Compiler.compiled == [("decode/boxes.cu", "sm_90")] * 2


def test_a_launch_passes_everything_on(launcher: KernelLauncher, driver: Driver) -> None:
    kernel = launcher.load(SOURCE)
    for _ in range(2):
        launcher.launch(CALL, kernel, 77)
    expected = (4711, 4, 3, 2, 256, 1, 1, 64, 77, *ARGUMENTS)
    assert driver.launched == [expected, expected]
    assert [type(value) for value in driver.launched[0][-5:]] == [type(value) for value in ARGUMENTS]
    assert np.signbit(driver.launched[0][-2])


def test_calls_that_come_and_go_are_never_taken_for_one_another(
    launcher: KernelLauncher, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel_launcher, "_KEPT_LAUNCHES", 3)
    kernel = launcher.load(SOURCE)
    for number in range(50):  # each at an address that one before it may have had
        launcher.launch(replace(CALL, arguments=(ARGUMENTS[0], np.int32(number), *ARGUMENTS[2:])), kernel, 77)
    assert [launched[-4] for launched in driver.launched] == list(range(50))


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(ARGUMENTS[:-1], id="too_few"),
        pytest.param((*ARGUMENTS[:-1], np.int32(0)), id="another_width"),
    ],
)
def test_arguments_of_another_size_are_refused(launcher: KernelLauncher, arguments: tuple[Any, ...]) -> None:
    kernel = launcher.load(SOURCE)
    with pytest.raises(ValueError, match=r"score_filter.*its parameters have 8, 4, 4, 8, 8 bytes, got arguments of"):
        launcher.launch(replace(CALL, arguments=arguments), kernel, 77)


def test_a_driver_that_does_not_tell_the_parameters_is_believed(
    launcher: KernelLauncher, driver: Driver, parameters: list[Any]
) -> None:
    parameters.clear()
    launcher.launch(CALL, launcher.load(SOURCE), 77)
    assert len(driver.launched) == 1


def test_a_refused_launch_names_the_kernel(launcher: KernelLauncher, driver: Driver) -> None:
    kernel = launcher.load(SOURCE)
    driver.status = Status.CUDA_ERROR_INVALID_VALUE
    problem = r"GPU 0: decode/boxes\.cu: score_filter -DCLASSES=80: cuLaunchKernel fails: CUDA_ERROR_INVALID_VALUE"
    with pytest.raises(DeviceError, match=problem):
        launcher.launch(CALL, kernel, 77)
