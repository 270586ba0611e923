"""Errors of the CUDA packages, with stand-ins for them; test/gpu uses the real ones through contexts and backends."""

from __future__ import annotations

import enum
import sys
import threading
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from trt_perception.errors import DeviceError, MissingError
from trt_perception.runtime.gpu import Gpu, Memory
from trt_perception.runtime.short_calls import ShortCalls


class Status(enum.IntEnum):
    cudaSuccess = 0  # noqa: N815 - CUDA's names
    cudaErrorMemoryAllocation = 2  # noqa: N815
    cudaErrorIllegalAddress = 700  # noqa: N815
    cudaErrorStreamCaptureUnsupported = 900  # noqa: N815


class Runtime(ModuleType):
    """cuda.bindings.runtime with one memory; `fails` is what every call but the clearing one answers."""

    cudaError_t = Status  # noqa: N815
    cudaMemcpyKind = SimpleNamespace(cudaMemcpyHostToDevice=1, cudaMemcpyDeviceToHost=2)  # noqa: N815

    def __init__(self) -> None:
        super().__init__("cuda.bindings.runtime")
        self.calls: list[tuple[Any, ...]] = []
        self.malloc = Status.cudaSuccess
        self.info = Status.cudaSuccess

    def cudaMalloc(self, size: int) -> Any:  # noqa: N802
        self.calls.append(("cudaMalloc", size))
        return self.malloc, 4096

    def cudaMallocHost(self, size: int) -> Any:  # noqa: N802
        self.calls.append(("cudaMallocHost", size))
        return self.malloc, 8192

    def cudaFree(self, address: int) -> Any:  # noqa: N802
        self.calls.append(("cudaFree", address))
        return (Status.cudaSuccess,)

    def cudaFreeHost(self, address: int) -> Any:  # noqa: N802
        self.calls.append(("cudaFreeHost", address))
        return (Status.cudaSuccess,)

    def cudaMemcpyAsync(self, *arguments: Any) -> Any:  # noqa: N802
        self.calls.append(("cudaMemcpyAsync", *arguments))
        return (Status.cudaSuccess,)

    def cudaMemGetInfo(self) -> Any:  # noqa: N802
        return self.info, 300, 1000

    def cudaGetLastError(self) -> Any:  # noqa: N802
        return (Status.cudaSuccess,)


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Runtime:
    made = Runtime()
    device = SimpleNamespace(
        set_current=lambda: None,
        compute_capability=(9, 0),
        create_stream=lambda options: SimpleNamespace(options=options, sync=lambda: None, close=lambda: None),
        create_event=lambda options: SimpleNamespace(options=options),
    )
    core = ModuleType("cuda.core")
    vars(core).update(Device=lambda index: device, StreamOptions=SimpleNamespace, EventOptions=SimpleNamespace)
    bindings, cuda = ModuleType("cuda.bindings"), ModuleType("cuda")
    vars(bindings).update(runtime=made, driver=ModuleType("cuda.bindings.driver"))
    vars(cuda).update(core=core, bindings=bindings)
    modules = {"cuda": cuda, "cuda.core": core, "cuda.bindings": bindings, "cuda.bindings.runtime": made}
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr("trt_perception.runtime.gpu.CudaDriver", lambda: SimpleNamespace(device=lambda index: None))
    monkeypatch.setattr(ShortCalls, "load", lambda: None)
    return made


STREAM = SimpleNamespace(handle=77)


def test_without_the_packages_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cuda", None)
    with pytest.raises(MissingError, match=r"cuda-core and cuda-bindings cannot be imported.*pip install cuda-core"):
        Gpu()


def test_without_a_driver_it_says_so(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> None:
        raise MissingError("libcuda.so.1 not found", "install the NVIDIA driver")

    monkeypatch.setattr("trt_perception.runtime.gpu.CudaDriver", absent)
    with pytest.raises(MissingError, match=r"libcuda\.so\.1 not found"):
        Gpu()


def test_memory_is_freed_as_what_it_is(runtime: Runtime) -> None:
    gpu = Gpu()
    gpu.free(gpu.allocate(10))
    gpu.free(gpu.allocate_pinned(20))
    gpu.allocate(0)  # CUDA gives no address for nothing
    assert runtime.calls == [
        ("cudaMalloc", 10), ("cudaFree", 4096), ("cudaMallocHost", 20), ("cudaFreeHost", 8192), ("cudaMalloc", 1),
    ]  # fmt: skip
    assert gpu.free_bytes() == 300


def test_allocations_are_counted(runtime: Runtime) -> None:
    gpu = Gpu()
    gpu.free(gpu.allocate(10))
    gpu.free(gpu.allocate_pinned(20))
    assert gpu.allocations == 2


def test_copies_go_where_they_should(runtime: Runtime) -> None:
    gpu, array = Gpu(), np.arange(6, dtype=np.float32)
    gpu.upload(512, array, STREAM)
    gpu.download(Memory(address=64, nbytes=8, is_pinned=True), 512, STREAM)
    assert runtime.calls == [
        ("cudaMemcpyAsync", 512, array.ctypes.data, 24, 1, 77),
        ("cudaMemcpyAsync", 64, 512, 8, 2, 77),
    ]


def test_streams_and_events_neither_wait_for_the_default_stream_nor_spin(runtime: Runtime) -> None:
    gpu = Gpu()
    assert vars(gpu.make_stream(priority=-2).options) == {"nonblocking": True, "priority": -2}
    assert vars(gpu.make_event().options) == {"timing_enabled": False, "blocking_sync": True}
    assert vars(gpu.make_event(timing=True).options) == {"timing_enabled": True, "blocking_sync": True}


def test_a_failed_call_is_named_and_can_be_gone_on_from(runtime: Runtime) -> None:
    gpu = Gpu(1)
    runtime.malloc = Status.cudaErrorMemoryAllocation
    with pytest.raises(DeviceError, match=r"^GPU 1: cudaMalloc fails: cudaErrorMemoryAllocation$") as caught:
        gpu.allocate(10)
    assert not caught.value.is_sticky


@pytest.mark.parametrize(
    ("info", "is_sticky"),
    [
        pytest.param(Status.cudaErrorIllegalAddress, True, id="every_call_fails"),
        pytest.param(Status.cudaErrorStreamCaptureUnsupported, False, id="a_capture_is_on"),
        pytest.param(Status.cudaSuccess, False, id="others_succeed"),
    ],
)
def test_an_error_is_sticky_where_all_later_calls_fail(runtime: Runtime, info: Status, is_sticky: bool) -> None:
    gpu = Gpu()
    runtime.info = info
    with (
        pytest.raises(DeviceError, match="waiting for the engine failed: ILLEGAL") as caught,
        gpu.guard("waiting for the engine"),
    ):
        raise RuntimeError("ILLEGAL")
    assert caught.value.is_sticky is is_sticky
    assert ("must be started again" in str(caught.value)) is is_sticky


def test_errors_that_are_ours_pass_unchanged(runtime: Runtime) -> None:
    gpu, ours = Gpu(), DeviceError("ours", is_sticky=True)
    with pytest.raises(DeviceError) as caught, gpu.guard("working"):
        raise ours
    assert caught.value is ours


class Short:
    """What answers in place of the driver's short calls."""

    def __init__(self, status: int = 0) -> None:
        self.status = status
        self.calls: list[tuple[Any, ...]] = []

    def record(self, stream: Any, event: Any) -> int:
        self.calls.append(("record", stream, event))
        return self.status

    def wait(self, stream: Any, event: Any) -> int:
        self.calls.append(("wait", stream, event))
        return self.status

    def launch(self, graph: Any, stream: Any) -> int:
        self.calls.append(("launch", graph, stream))
        return self.status

    def download(self, *arguments: int) -> int:
        self.calls.append(("download", *arguments))
        return self.status


def test_events_go_through_the_drivers_short_calls_and_its_errors_are_told(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = Short()
    monkeypatch.setattr(ShortCalls, "load", lambda: short)
    gpu = Gpu()
    short.calls.clear()
    gpu.record("stream", "event")
    gpu.wait("stream", "event")
    assert short.calls == [("record", "stream", "event"), ("wait", "stream", "event")]
    short.status = 400  # not among those that the stand-in for the runtime knows
    with pytest.raises(DeviceError, match="cuEventRecord fails: error 400"):
        gpu.record("stream", "event")


def test_graphs_and_copies_go_through_the_drivers_short_calls_and_its_errors_have_names(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = Short()
    monkeypatch.setattr(ShortCalls, "load", lambda: short)
    gpu = Gpu()
    short.calls.clear()
    gpu.launch_graph("graph", "stream")
    gpu.download(Memory(address=4096, nbytes=64, is_pinned=True), 8192, SimpleNamespace(handle=5), nbytes=10)
    assert short.calls == [("launch", "graph", "stream"), ("download", 4096, 8192, 10, 5)]
    assert not any(call[0] == "cudaMemcpyAsync" for call in runtime.calls)
    short.status = runtime.info = Status.cudaErrorIllegalAddress
    with pytest.raises(DeviceError, match="cuGraphLaunch fails: cudaErrorIllegalAddress; the process must") as error:
        gpu.launch_graph("graph", "stream")
    assert error.value.is_sticky


def test_short_calls_that_do_not_work_leave_events_to_the_packages(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ShortCalls, "load", lambda: Short(status=1))
    asked: list[str] = []
    stream = SimpleNamespace(record=lambda event: asked.append("record"), wait=lambda event: asked.append("wait"))
    gpu = Gpu()
    gpu.record(stream, "event")
    gpu.wait(stream, "event")
    assert asked == ["record", "wait"]


def test_a_thread_chooses_its_gpu_once(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: list[int] = []
    core = sys.modules["cuda.core"]
    device = core.Device(0)
    monkeypatch.setattr(
        core,
        "Device",
        lambda index: SimpleNamespace(**{**vars(device), "set_current": lambda: chosen.append(index)}),
    )
    one, other = Gpu(0), Gpu(1)
    for gpu in (one, one, other, other, one):
        gpu.use()
    assert chosen == [0, 1, 0, 1, 0]
    thread = threading.Thread(target=one.use)
    thread.start()
    thread.join()
    assert chosen[5:] == [0]


def test_a_thread_that_lends_itself_has_its_own_gpu_again(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Arrays over one GPU's memory may end in the thread of another one's camera."""
    chosen: list[int] = []
    core = sys.modules["cuda.core"]
    device = core.Device(0)
    monkeypatch.setattr(
        core,
        "Device",
        lambda index: SimpleNamespace(**{**vars(device), "set_current": lambda: chosen.append(index)}),
    )
    one, other = Gpu(0), Gpu(1)
    with pytest.raises(KeyError), one.borrowed():
        raise KeyError
    with other.borrowed():
        pass
    assert chosen == [0, 1, 0, 1]
