"""A TensorRT made of Python: it parses with onnx, builds nothing, and remembers what it was asked for.

For what TensorRT-RTX cannot show on a CPU: precision flags, layer precisions, tactic sources, DLA cores, timing caches
that are taken. It has the surface of 8.6 or of 10, as far as a build needs it; whether the real modules have it too is
what the tests of signatures and those on a GPU say.
"""

from __future__ import annotations

import enum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import onnx
from onnx import TensorProto

FLAGS_8 = (
    "FP16 INT8 GPU_FALLBACK TF32 SPARSE_WEIGHTS OBEY_PRECISION_CONSTRAINTS VERSION_COMPATIBLE EXCLUDE_LEAN_RUNTIME"
)
FLAGS_10 = f"{FLAGS_8} STRIP_PLAN"


class FakeTensorRt(SimpleNamespace):
    """The module; what it was asked for stands in `config`, `network` and `builder`.

    Args:
        generation: 8 or 10.
        plan: What a build gives; None: it fails.
        says: Severity and text of what it logs while building.
        takes_cache: Whether a timing cache with content is taken; otherwise as 8.6 refuses it.
        dla_cores: DLA cores of the machine.
        progress: Phases with their steps, of TensorRT 10.
    """

    def __init__(
        self,
        generation: int,
        *,
        plan: bytes | None = b"plan",
        says: tuple[tuple[str, str], ...] = (),
        takes_cache: bool = True,
        dla_cores: int = 0,
        progress: tuple[tuple[str, int], ...] = (("build", 3),),
    ) -> None:
        super().__init__()
        self.__name__ = "tensorrt"
        self.__version__ = {8: "8.6.1", 10: "10.15.1"}[generation]
        self.plan, self.says, self.takes_cache, self.progress = plan, says, takes_cache, progress
        self.BuilderFlag = _enum(FLAGS_10 if generation == 10 else FLAGS_8)
        self.NetworkDefinitionCreationFlag = _enum("EXPLICIT_BATCH" + (" STRONGLY_TYPED" if generation == 10 else ""))
        self.TacticSource = _enum("CUBLAS CUBLAS_LT CUDNN EDGE_MASK_CONVOLUTIONS JIT_CONVOLUTIONS")
        self.MemoryPoolType = _enum("WORKSPACE")
        self.ProfilingVerbosity = _enum("LAYER_NAMES_ONLY DETAILED NONE")
        self.HardwareCompatibilityLevel = _enum("NONE AMPERE_PLUS")
        self.DeviceType = _enum("GPU DLA")
        self.DataType = _enum("FLOAT HALF INT8 INT32 BOOL INT64")
        self.ILogger, self.ILayer = _Logger, _Layer
        self.IBuilderConfig = type("IBuilderConfig", (_Config,), {})
        if generation == 10:
            self.IProgressMonitor = type("IProgressMonitor", (), {})
            self.IBuilderConfig.progress_monitor = None  # type: ignore[attr-defined]
        self.config: Any = None
        self.network: Any = None
        self.builder: Any = None
        self.logger: Any = None
        self.dla_cores = dla_cores

    def Builder(self, logger: Any) -> Any:  # noqa: N802 - TensorRT's name
        self.logger = logger
        self.builder = _Builder(self)
        return self.builder

    def OnnxParser(self, network: Any, logger: Any) -> Any:  # noqa: N802 - TensorRT's name
        return _Parser(self, network)

    def say(self, severity: str, text: str) -> None:
        """Log as TensorRT does."""
        self.logger.log(SimpleNamespace(name=severity), text)


def _enum(names: str) -> Any:
    return enum.IntEnum("Enum", names.split(), start=0)


class _Logger:
    pass


class _Layer:
    precision: Any = None

    def __init__(self, name: str, inputs: list[Any], outputs: list[Any]) -> None:
        self.name = name
        self._inputs, self._outputs = inputs, outputs
        self.num_inputs, self.num_outputs = len(inputs), len(outputs)
        self.output_types: dict[int, Any] = {}

    def get_input(self, index: int) -> Any:
        return self._inputs[index]

    def get_output(self, index: int) -> Any:
        return self._outputs[index]

    def set_output_type(self, index: int, kind: Any) -> None:
        self.output_types[index] = kind


class _Network:
    def __init__(self, flags: int) -> None:
        self.flags = flags
        self.inputs: list[Any] = []
        self.layers: list[_Layer] = []

    @property
    def num_inputs(self) -> int:
        return len(self.inputs)

    @property
    def num_layers(self) -> int:
        return len(self.layers)

    def get_input(self, index: int) -> Any:
        return self.inputs[index]

    def get_layer(self, index: int) -> _Layer:
        return self.layers[index]


class _Parser:
    num_errors = 0

    def __init__(self, trt: FakeTensorRt, network: _Network) -> None:
        self._trt, self._network = trt, network

    def parse(self, data: bytes, path: str) -> bool:
        assert Path(path).read_bytes() == data
        graph = onnx.shape_inference.infer_shapes(onnx.load_from_string(data)).graph
        kinds = {TensorProto.FLOAT: "FLOAT", TensorProto.FLOAT16: "HALF", TensorProto.INT8: "INT8"}
        outputs = {item.name for item in graph.output}
        tensors = {
            value.name: SimpleNamespace(
                name=value.name,
                shape=tuple(size.dim_value or -1 for size in value.type.tensor_type.shape.dim),
                dtype=self._trt.DataType[kinds.get(value.type.tensor_type.elem_type, "INT32")],
                is_network_output=value.name in outputs,
            )
            for value in (*graph.input, *graph.value_info, *graph.output)
        }
        self._network.inputs = [tensors[item.name] for item in graph.input]
        self._network.layers = [
            _Layer(
                node.name,
                [tensors[name] for name in node.input if name in tensors],
                [tensors[name] for name in node.output],
            )
            for node in graph.node
        ]
        return True


class _Config:
    num_optimization_profiles = 0
    builder_optimization_level = 3
    profiling_verbosity: Any = None
    hardware_compatibility_level: Any = None
    max_aux_streams = -1
    default_device_type: Any = None
    DLA_core = -1

    def __init__(self, trt: FakeTensorRt) -> None:
        self._trt = trt
        self.flags = {"TF32"}
        self.pools: dict[str, int] = {}
        self.sources = 0b11111
        self.profiles: list[Any] = []
        self.cache: bytes | None = None

    def set_flag(self, flag: Any) -> None:
        self.flags.add(flag.name)

    def clear_flag(self, flag: Any) -> None:
        self.flags.discard(flag.name)

    def set_memory_pool_limit(self, pool: Any, size: int) -> None:
        self.pools[pool.name] = size

    def set_tactic_sources(self, sources: int) -> bool:
        self.sources = sources
        return True

    def add_optimization_profile(self, profile: Any) -> int:
        self.profiles.append(profile)
        return len(self.profiles) - 1

    def create_timing_cache(self, data: bytes) -> Any:
        if data and not self._trt.takes_cache:
            self._trt.say("ERROR", "4: The timing cache will not be used!")
        return data

    def set_timing_cache(self, cache: bytes, ignore_mismatch: bool) -> bool:
        assert not ignore_mismatch
        self.cache = cache
        return True

    def get_timing_cache(self) -> Any:
        measured = (self.cache or b"") + b"measured;"
        return SimpleNamespace(serialize=lambda: measured)


class _Builder:
    def __init__(self, trt: FakeTensorRt) -> None:
        self._trt = trt
        self.num_DLA_cores = trt.dla_cores

    def create_network(self, flags: int) -> _Network:
        self._trt.network = _Network(flags)
        return self._trt.network

    def create_builder_config(self) -> Any:
        self._trt.config = self._trt.IBuilderConfig(self._trt)
        return self._trt.config

    def create_optimization_profile(self) -> Any:
        shapes: dict[str, Any] = {}
        return SimpleNamespace(shapes=shapes, set_shape=lambda name, *given: shapes.update({name: given}))

    def build_serialized_network(self, network: _Network, config: Any) -> bytes | None:
        for severity, text in self._trt.says:
            self._trt.say(severity, text)
        monitor = getattr(config, "progress_monitor", None)
        for phase, steps in self._trt.progress if monitor is not None else ():
            monitor.phase_start(phase, None, steps)
            if not all(monitor.step_complete(phase, step) for step in range(steps)):
                return None
            monitor.phase_finish(phase)
        return self._trt.plan
