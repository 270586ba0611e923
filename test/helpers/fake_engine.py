"""TensorRT as far as engines are run with it: a plan is a Python function, which a context calls on its tensors."""

from __future__ import annotations

import ctypes
import dataclasses
import enum
import hashlib
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from helpers.fake_gpu import FakeDevice
from trt_perception.engine.engine_files import write_engine
from trt_perception.engine.gpu_identity import GpuIdentity
from trt_perception.engine.manifest import Manifest
from trt_perception.engine.tensorrt_module import TensorRtIdentity
from trt_perception.model.model_spec import ModelSpec

GPU = GpuIdentity(name="Some GPU", compute_capability="9.0", driver="580.65.06")
PLAN = b"a plan of the tests"
VERSION = "8.6.1"
SCRATCH = 3 * 2**20

Arrays = Mapping[str, NDArray[Any]]
Handler = Callable[[Arrays], Arrays]
"""Computes the outputs from the inputs."""

_TYPES = {
    "float32": "FLOAT", "float16": "HALF", "int8": "INT8", "uint8": "UINT8", "int32": "INT32", "int64": "INT64",
    "bool": "BOOL", "bfloat16": "BF16",
}  # fmt: skip


@dataclasses.dataclass(kw_only=True)
class FakePlan:
    """What the runtime of `fake_tensorrt` makes of PLAN; a test may change it as long as nothing is loaded.

    Args:
        device: Where it runs.
        tensors: By name: whether it is an input, shape (-1: open), type as NumPy names it.
        handler: What it computes.
        profile: Smallest and largest shape of each input of open size.
        layout: Format of the tensors.
        says: What TensorRT reports while it loads the plan; it then fails.
        refuses: Method of the context that fails, and what TensorRT reports.
        fails_in_capture: Whether an enqueue fails while its stream is captured.
        generation: 8 or 10.
    """

    device: FakeDevice
    tensors: dict[str, tuple[bool, tuple[int, ...], str]]
    handler: Handler
    profile: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = dataclasses.field(default_factory=dict)
    layout: str = "LINEAR"
    says: str = ""
    refuses: tuple[str, str] = ("", "")
    fails_in_capture: bool = False
    generation: int = 8
    enqueues: int = 0


class _Context:
    def __init__(self, plan: FakePlan) -> None:
        self._plan = plan
        self._addresses: dict[str, int] = {}
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._running = threading.Lock()
        self.error_recorder: Any = None
        self.device_memory = 0
        self.profile: int | None = None

    def set_optimization_profile_async(self, index: int, handle: int) -> bool:
        self.profile = index
        return self._takes("set_optimization_profile_async")

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        assert self.profile == 0
        self._shapes[name] = shape
        return self._takes("set_input_shape")

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        """Open sizes are the batch, which all tensors share."""
        batch = next((shape[0] for shape in self._shapes.values()), -1)
        return tuple(batch if size == -1 else size for size in self._plan.tensors[name][1])

    def set_tensor_address(self, name: str, address: int) -> bool:
        assert address % 256 == 0
        self._addresses[name] = address
        return self._takes("set_tensor_address")

    def execute_async_v3(self, handle: int) -> bool:
        plan = self._plan
        assert set(self._addresses) == set(plan.tensors)
        assert self.device_memory % 256 == 0
        assert self.device_memory in plan.device.blocks
        capturing = plan.device.streams[handle].recorded is not None
        if capturing and plan.fails_in_capture:
            self._report("CAPTURE", "a plugin allocates")
            return False
        if not self._takes("execute_async_v3"):
            return False
        plan.enqueues += 1
        plan.device.enqueue(handle, self._compute)
        return True

    def _compute(self) -> None:
        plan = self._plan
        assert self._running.acquire(blocking=False), "two inferences of one context at once"
        try:
            views = {name: self._view(name) for name in plan.tensors}
            outputs = plan.handler({name: views[name] for name, (is_input, *_) in plan.tensors.items() if is_input})
            for name, value in outputs.items():
                views[name][...] = value
        finally:
            self._running.release()

    def _view(self, name: str) -> NDArray[Any]:
        dtype, shape = np.dtype(self._plan.tensors[name][2]), self.get_tensor_shape(name)
        size = int(np.prod(shape)) * dtype.itemsize
        raw = np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(self._addresses[name]))
        return raw.view(dtype).reshape(shape)

    def _takes(self, method: str) -> bool:
        if self._plan.refuses[0] == method:
            self._report("INVALID_ARGUMENT", self._plan.refuses[1])
            return False
        return True

    def _report(self, code: str, text: str) -> None:
        self.error_recorder.report_error(SimpleNamespace(name=code), text)


class _Context10(_Context):
    def set_device_memory(self, address: int, size: int) -> None:
        assert size == SCRATCH
        self.device_memory = address


class _Engine:
    def __init__(self, plan: FakePlan) -> None:
        self._plan = plan
        self.error_recorder: Any = None
        self.num_io_tensors = len(plan.tensors)
        self.num_optimization_profiles = 1
        if plan.generation == 8:
            self.device_memory_size = SCRATCH
        else:
            self.device_memory_size_v2 = SCRATCH

    def get_tensor_name(self, index: int) -> str:
        return list(self._plan.tensors)[index]

    def get_tensor_mode(self, name: str) -> str:
        return "INPUT" if self._plan.tensors[name][0] else "OUTPUT"

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return self._plan.tensors[name][1]

    def get_tensor_dtype(self, name: str) -> Any:
        return SimpleNamespace(name=_TYPES[self._plan.tensors[name][2]])

    def get_tensor_format(self, name: str) -> Any:
        return SimpleNamespace(name=self._plan.layout)

    def get_tensor_location(self, name: str) -> str:
        return "DEVICE"

    def get_tensor_profile_shape(self, name: str, index: int) -> list[tuple[int, ...]]:
        low, high = self._plan.profile[name]
        return [low, low, high]

    def create_execution_context_without_device_memory(self) -> Any:
        assert self._plan.generation == 8
        return self._make(_Context)

    def create_execution_context(self, strategy: Any) -> Any:
        assert strategy.name == "USER_MANAGED"
        return self._make(_Context10)

    def _make(self, kind: type[_Context]) -> Any:
        if self._plan.refuses[0] == "create_execution_context":
            self.error_recorder.report_error(SimpleNamespace(name="FAILED_ALLOCATION"), self._plan.refuses[1])
            return None
        return kind(self._plan)


def fake_tensorrt(plan: FakePlan) -> Any:
    """The module, whose runtime makes `plan` of the bytes PLAN."""

    class Runtime:
        def __init__(self, logger: Any) -> None:
            self.error_recorder: Any = None

        def deserialize_cuda_engine(self, data: bytes) -> _Engine | None:
            assert data == PLAN
            if plan.says:
                self.error_recorder.report_error(SimpleNamespace(name="INTERNAL_ERROR"), plan.says)
                return None
            return _Engine(plan)

    module = SimpleNamespace(
        __name__="tensorrt",
        __version__=VERSION,
        ILogger=type("ILogger", (), {"__init__": lambda self: None}),
        IErrorRecorder=type("IErrorRecorder", (), {"__init__": lambda self: None}),
        Runtime=Runtime,
        TensorLocation=SimpleNamespace(DEVICE="DEVICE"),
        TensorIOMode=SimpleNamespace(INPUT="INPUT", OUTPUT="OUTPUT"),
    )
    if plan.generation == 10:
        module.ExecutionContextAllocationStrategy = enum.Enum("Strategy", "STATIC ON_PROFILE_CHANGE USER_MANAGED")
    return module


def plan_of(spec: ModelSpec, handler: Handler, *, device: FakeDevice, **changes: Any) -> FakePlan:
    """A plan with the tensors of a model."""
    inputs = {item.name: (True, item.shape, item.dtype.value) for item in spec.inputs}
    outputs = {item.name: (False, item.shape, item.dtype.value) for item in spec.outputs}
    return FakePlan(device=device, tensors={**inputs, **outputs}, handler=handler, **changes)


def write_fake_engine(engine: Path, spec: ModelSpec, **changes: Any) -> Manifest:
    """PLAN with its manifest, to which `changes` are made."""
    manifest = Manifest(
        created="2026-01-01T00:00:00+00:00",
        plan_sha256=hashlib.sha256(PLAN).hexdigest(),
        plan_bytes=len(PLAN),
        tensorrt=TensorRtIdentity(flavour="tensorrt", version=VERSION),
        gpu=GPU,
        spec=dataclasses.replace(spec, model=str(engine)),
        **changes,
    )
    write_engine(engine, PLAN, manifest, "# card\n")
    return manifest
