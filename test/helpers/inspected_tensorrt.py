"""The tensorrt module as far as engines are opened, inspected and profiled with it: nothing is computed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from trt_perception.engine.engine_account import write_engine_account
from trt_perception.engine.engine_files import write_engine
from trt_perception.engine.gpu_identity import GpuIdentity
from trt_perception.engine.manifest import Manifest
from trt_perception.engine.read_layers import read_layers
from trt_perception.engine.tensorrt_module import TensorRtIdentity
from trt_perception.model.model_spec import ModelSpec
from trt_perception.precision.account import Account

GPU = GpuIdentity(name="Some GPU", compute_capability="9.0", driver="580.65.06")
PLAN = b"a plan of the tests"
VERSION = "8.6.1"


class Context:
    """An execution context: each run reports a time for each layer, the first run 1 us for each, the second 2 us."""

    def __init__(self, engine: Engine) -> None:
        self.profiler: Any = None
        self.error_recorder: Any = None
        self.runs = 0
        self.addresses: dict[str, int] = {}
        self.device_memory = 0
        self._engine = engine

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return self._engine.get_tensor_shape(name)

    def set_tensor_address(self, name: str, address: int) -> bool:
        self.addresses[name] = address
        return True

    def execute_async_v3(self, stream: int) -> bool:
        """As TensorRT: false, and an error recorded, where a tensor has no memory."""
        if set(self.addresses) != set(self._engine.tensor_names):
            self.error_recorder.report_error(SimpleNamespace(name="INVALID_ARGUMENT"), "an address is not set")
            return False
        self.runs += 1
        for layer in read_layers(self._engine.information):
            self.profiler.report_layer_time(layer.name, self.runs * 1e-3)
        return True


class Engine:
    """An engine with the tensors of a model and what its inspector says."""

    def __init__(self, spec: ModelSpec, information: str) -> None:
        inputs = {item.name: (True, item.shape, item.dtype.value) for item in spec.inputs}
        outputs = {item.name: (False, item.shape, item.dtype.value) for item in spec.outputs}
        self._tensors = {**inputs, **outputs}
        self.information = information
        self.tensor_names = tuple(self._tensors)
        self.num_io_tensors = len(self._tensors)
        self.device_memory_size = 3 * 2**20

    def get_tensor_name(self, index: int) -> str:
        return list(self._tensors)[index]

    def get_tensor_mode(self, name: str) -> str:
        return "INPUT" if self._tensors[name][0] else "OUTPUT"

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return self._tensors[name][1]

    def get_tensor_dtype(self, name: str) -> Any:
        return SimpleNamespace(name={"float32": "FLOAT", "float16": "HALF"}[self._tensors[name][2]])

    def create_engine_inspector(self) -> Any:
        return SimpleNamespace(get_engine_information=lambda _: self.information)

    def get_tensor_format(self, name: str) -> Any:
        return SimpleNamespace(name="LINEAR")

    def get_tensor_location(self, name: str) -> str:
        return "DEVICE"

    def create_execution_context_without_device_memory(self) -> Context:
        return Context(self)


def fake_tensorrt(spec: ModelSpec, information: str, *, plan: bytes = PLAN) -> ModuleType:
    """A module whose runtime takes that plan alone.

    Args:
        spec: Tensors of the engine.
        information: What its inspector says.
        plan: The plan.
    """

    class Runtime:
        def __init__(self, logger: Any) -> None:
            self.error_recorder: Any = None

        def deserialize_cuda_engine(self, data: bytes) -> Engine | None:
            return Engine(spec, information) if data == plan else None

    module = ModuleType("tensorrt")
    members: dict[str, Any] = {
        "__version__": VERSION,
        "ILogger": type("ILogger", (), {"__init__": lambda self: None}),
        "IErrorRecorder": type("IErrorRecorder", (), {"__init__": lambda self: None}),
        "IProfiler": type("IProfiler", (), {"__init__": lambda self: None}),
        "Runtime": Runtime,
        "TensorLocation": SimpleNamespace(DEVICE="DEVICE"),
        "TensorIOMode": SimpleNamespace(INPUT="INPUT", OUTPUT="OUTPUT"),
        "LayerInformationFormat": SimpleNamespace(JSON="JSON"),
    }
    for name, member in members.items():
        setattr(module, name, member)
    return module


def write_fake_engine(engine: Path, spec: ModelSpec, account: Account | None, *, plan: bytes = PLAN) -> Manifest:
    """The files of an engine as `build` leaves them."""
    manifest = Manifest(
        created="2026-01-01T00:00:00+00:00",
        plan_sha256=hashlib.sha256(plan).hexdigest(),
        plan_bytes=len(plan),
        model_files={} if account is None else {account.model: account.model_sha256},
        model_sha256="" if account is None else account.model_sha256,
        precision_plan=None if account is None else account.plan,
        emitter="" if account is None else account.emitter,
        tensorrt=TensorRtIdentity(flavour="tensorrt", version=VERSION),
        gpu=GPU,
        spec=spec,
    )
    write_engine(engine, plan, manifest, "# card\n")
    if account is not None:
        write_engine_account(engine, account)
    return manifest
