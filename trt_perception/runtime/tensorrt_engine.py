"""A deserialised plan, shared by the contexts that run it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from trt_perception.engine.engine_io import EngineBinding, engine_tensors
from trt_perception.engine.engine_layer import EngineLayer
from trt_perception.engine.error_recorder import make_error_recorder
from trt_perception.engine.open_plan import open_plan
from trt_perception.engine.read_layers import best_sizes, inspect_engine
from trt_perception.errors import DeviceError, EngineError
from trt_perception.runtime.engine_memory import mib
from trt_perception.runtime.gpu import Gpu

Shapes = Mapping[str, tuple[int, ...]]
"""Shapes by tensor name, batch first."""

_TYPES = ("float32", "float16", "int8", "uint8", "int32", "int64", "bool")
"""Element types that are NumPy's own, whatever other packages have added to it."""

_REMEDY = "build it again with `trt-perception build`"


class TensorRtEngine:
    """Weights and kernels of one plan on one GPU. Close its contexts first.

    Args:
        trt: The TensorRT module.
        gpu: Where it is loaded.
        plan: The bytes, checked by `load_engine_file`: a plan is code.
        name: The engine's file, for errors.
        plugins: The sha256 of each plugin library that it needs, by its path.

    Raises:
        EngineError: TensorRT does not take it, an input or output is not a plain array in device memory, or a plugin
            library is not the one that the engine was built with.
        DeviceError: Out of memory, or CUDA failed.
        MissingError: A plugin library is not there.
        ConfigError: A plugin library cannot be loaded.
    """

    def __init__(self, trt: Any, gpu: Gpu, plan: bytes, *, name: str, plugins: Mapping[str, str] | None = None) -> None:
        self.trt = trt
        self.gpu = gpu
        self.name = name
        gpu.use()
        self._opened = ExitStack()
        try:
            self._engine = self._opened.enter_context(open_plan(trt, plan, name=name, plugins=plugins))
        except EngineError as error:
            if gpu.is_lost():
                raise DeviceError(f"{error}; the process must be started again", is_sticky=True) from error
            if "memory" in str(error).lower():  # the plan is not at fault
                sizes = f"its plan has {mib(len(plan))} MiB, {mib(gpu.free_bytes())} MiB of GPU {gpu.index} are free"
                raise DeviceError(f"{error}; {sizes}") from error
            raise
        self._recorder = self._engine.error_recorder = self.new_recorder()
        self.tensors: tuple[EngineBinding, ...] = engine_tensors(trt, self._engine)
        try:
            for tensor in self.tensors:
                self._check_kind(tensor)
        except EngineError:
            self.close()
            raise

    @property
    def scratch_bytes(self) -> int:
        """Device memory that each context computes in, for the largest shapes that it takes."""
        newer = hasattr(self._engine, "device_memory_size_v2")
        return int(self._engine.device_memory_size_v2 if newer else self._engine.device_memory_size)

    def make_context(self) -> Any:
        """An IExecutionContext without scratch memory, which the caller provides.

        TensorRT's own allocation would hide the size, and TensorRT-RTX captures no graph with it.

        Raises:
            DeviceError: TensorRT makes none.
        """
        self._recorder.clear()
        strategies = getattr(self.trt, "ExecutionContextAllocationStrategy", None)
        if strategies is None:  # TensorRT 8
            context = self._engine.create_execution_context_without_device_memory()
        else:
            context = self._engine.create_execution_context(strategies.USER_MANAGED)
        if context is None:
            raise self.error("TensorRT makes no execution context", self._recorder)
        return context

    def layers(self) -> tuple[EngineLayer, ...]:
        """What the engine is made of, where it was built with detailed verbosity.

        Raises:
            InputError: TensorRT describes it in a way that cannot be read.
        """
        return inspect_engine(self.trt, self._engine)

    def best_shapes(self) -> Shapes:
        """Those that its first optimisation profile is made for, of the inputs that it leaves open."""
        return best_sizes(self.trt, self._engine)

    def new_recorder(self) -> Any:
        """An IErrorRecorder for one context: contexts report from several threads."""
        return make_error_recorder(self.trt)

    def profile_of(self, shapes: Shapes) -> int:
        """The first optimisation profile that takes inputs of these shapes.

        Raises:
            EngineError: None does; says what they take.
        """
        ranges = []
        for index in range(self._engine.num_optimization_profiles):
            limits = {
                name: [tuple(int(size) for size in dims) for dims in self._engine.get_tensor_profile_shape(name, index)]
                for name in shapes
            }
            if all(_lies_within(shapes[name], low, high) for name, (low, _, high) in limits.items()):
                return index
            ranges += [f"{name} {_text(low)} to {_text(high)}" for name, (low, _, high) in limits.items()]
        wanted = ", ".join(f"{name} {_text(shape)}" for name, shape in shapes.items())
        raise EngineError(
            self.name, f"expected inputs of its profiles ({'; '.join(ranges)}), got {wanted}", "widen its profiles"
        )

    def error(self, problem: str, recorder: Any) -> DeviceError:
        """The error for a call of TensorRT that failed: names the engine and says what TensorRT said."""
        said = "; ".join(recorder.texts()) or "it gives no reason"
        recorder.clear()
        sticky = self.gpu.is_lost()
        remedy = "; the process must be started again" if sticky else ""
        return DeviceError(f"engine {self.name}: {problem}: {said}{remedy}", is_sticky=sticky)

    def close(self) -> None:
        """Unload it. Harmless when called twice."""
        self._engine = None
        self._opened.close()

    def _check_kind(self, tensor: EngineBinding) -> None:
        if tensor.dtype not in _TYPES:
            raise EngineError(
                self.name, f"tensor {tensor.name!r} is {tensor.dtype}, which NumPy does not have", _REMEDY
            )
        layout = str(getattr(self._engine.get_tensor_format(tensor.name), "name", ""))
        if layout != "LINEAR":
            raise EngineError(self.name, f"tensor {tensor.name!r} must be LINEAR, got {layout}", _REMEDY)
        if self._engine.get_tensor_location(tensor.name) != self.trt.TensorLocation.DEVICE:
            raise EngineError(self.name, f"tensor {tensor.name!r} must lie in device memory, got host memory", _REMEDY)


def _lies_within(shape: tuple[int, ...], low: tuple[int, ...], high: tuple[int, ...]) -> bool:
    return len(shape) == len(low) and all(a <= b <= c for a, b, c in zip(low, shape, high, strict=True))


def _text(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
