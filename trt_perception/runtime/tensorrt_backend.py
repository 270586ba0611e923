"""TensorRT, through an engine file with its manifest."""

from __future__ import annotations

import math
from pathlib import Path
from queue import LifoQueue

import numpy as np

from trt_perception.engine.engine_io import check_tensors
from trt_perception.errors import DeviceError, InputError
from trt_perception.model.model_spec import InputSpec, ModelSpec, OutputSpec
from trt_perception.runtime.backend import Tensors
from trt_perception.runtime.check_outputs import check_outputs
from trt_perception.runtime.engine_context import EngineContext
from trt_perception.runtime.engine_memory import EngineMemory, mib
from trt_perception.runtime.inference_slot import InferenceSlot
from trt_perception.runtime.open_and_close import OpenAndClose
from trt_perception.runtime.open_engine import open_engine
from trt_perception.runtime.tensorrt_engine import TensorRtEngine


class TensorRtBackend(OpenAndClose):
    """Runs an engine, loaded once, in several contexts: as many threads infer at once, each on a stream of its own.

    Args:
        spec: The model. Its shapes choose the profile of an engine that leaves sizes open.
        engine: The engine file; its manifest lies beside it.
        device: Index of the GPU, as CUDA counts.
        module: Python module of the TensorRT that runs it. None: the one of the flavour that built it.
        contexts: How many inferences at once; each takes memory, see `memory`. More threads than that wait.
        strict: Whether an engine that other users may write is refused.
        public_key: Whose signature is asked for. None: none.
        graph: Whether to launch CUDA graphs where the engine can be captured; `name` says what became of it.
    """

    def __init__(
        self,
        spec: ModelSpec,
        *,
        engine: Path,
        device: int = 0,
        module: str | None = None,
        contexts: int = 2,
        strict: bool = False,
        public_key: Path | None = None,
        graph: bool = True,
    ) -> None:
        if contexts < 1:
            raise InputError(f"backend tensorrt: expected at least 1 context, got {contexts}")
        self._spec = spec
        self._path = engine
        self._device = device
        self._module = module
        self._contexts = contexts
        self._strict = strict
        self._public_key = public_key
        self._graph = graph
        self._name = f"tensorrt (engine {engine.name}, not open)"
        self._note = "not open"
        self._engine: TensorRtEngine | None = None
        self._slots: list[InferenceSlot] = []
        self._idle: LifoQueue[InferenceSlot | None] = LifoQueue()
        self.warnings: tuple[str, ...] = ()
        """What is not as it should be with the engine's files, and does not keep it from running; known once open."""
        self.memory: EngineMemory | None = None
        """Device memory that it takes; known as soon as the engine is loaded."""

    @property
    def name(self) -> str:
        """Runtime, version, GPU, and whether inferences are CUDA graphs."""
        return self._name

    @property
    def engine(self) -> Path:
        """The engine file."""
        return self._path

    @property
    def graph_note(self) -> str:
        """`CUDA graph`, or `no CUDA graph` and why."""
        return self._note

    def open(self) -> None:
        """Load the engine and compare it with the spec; `Backend` says more.

        Raises:
            EngineError: The engine's files are not those of this model, this GPU and this TensorRT, or are damaged.
            MissingError: TensorRT, the CUDA packages or the driver are not here.
            DeviceError: TensorRT or CUDA fails; out of memory says how much is needed and how much is free.
        """
        if self._engine is not None:
            return
        opened = open_engine(
            self._path,
            device=self._device,
            module=self._module,
            spec=self._spec,
            strict=self._strict,
            public_key=self._public_key,
        )
        self._engine = opened.engine
        try:
            check_tensors(opened.engine.tensors, self._spec, engine=self._path)
            self._make_slots(opened.engine, opened.manifest.plan_bytes)
        except BaseException:
            self.close()
            raise
        self.warnings = opened.warnings
        self._note = self._slots[0].context.note
        self._name = f"{opened.tensorrt} ({opened.gpu.name}, contexts: {self._contexts}, {self._note})"

    def infer(self, inputs: Tensors) -> Tensors:
        """Run the model once; `Backend` says more. Waits for a context while all are in use.

        Raises:
            InputError: An array is missing or has another shape or dtype than the spec says.
            DeviceError: TensorRT or CUDA failed; `is_sticky` says whether only a new process can go on.
        """
        self._check_inputs(inputs)
        if self._engine is None:
            raise self._closed()
        idle = self._idle  # who opens again gets another one
        slot = idle.get()
        if slot is None:
            idle.put(None)  # for the next thread that waits
            raise self._closed()
        try:
            outputs = slot.run(inputs)
        finally:
            idle.put(slot)
        # Whole numbers may come in another width than the model has: TensorRT 8 knows no int64.
        return {
            output.name: outputs[output.name].astype(output.dtype.value, copy=False) for output in self._spec.outputs
        }

    def close(self) -> None:
        """Free the engine and all memory, once the inferences that run are done. Harmless when called twice."""
        engine, self._engine = self._engine, None
        slots, self._slots = self._slots, []
        for _ in slots:
            self._idle.get()
        for slot in slots:
            slot.close()
        if engine is not None:
            engine.close()
            self._idle.put(None)

    def _make_slots(self, engine: TensorRtEngine, plan_bytes: int) -> None:
        self._idle = LifoQueue()
        tensors: list[InputSpec | OutputSpec] = [*self._spec.inputs, *self._spec.outputs]
        self.memory = EngineMemory(
            weights_bytes=plan_bytes,
            scratch_bytes=engine.scratch_bytes,
            tensor_bytes=sum(math.prod(item.shape) * np.dtype(item.dtype.value).itemsize for item in tensors),
            contexts=self._contexts,
        )
        free = engine.gpu.free_bytes()
        try:
            for _ in range(self._contexts):
                self._make_slot(engine)
        except DeviceError as error:
            raise self._explained(error, free, self.memory) from error

    def _make_slot(self, engine: TensorRtEngine) -> None:
        shapes = {source.name: source.shape for source in self._spec.inputs}
        context = EngineContext(engine, shapes=shapes)
        slot = InferenceSlot(context, tuple(output.name for output in self._spec.outputs))
        self._slots.append(slot)
        self._idle.put(slot)
        context.prepare(graph=self._graph)
        check_outputs(context, self._spec, engine=self._path)

    def _explained(self, error: DeviceError, free: int, memory: EngineMemory) -> DeviceError:
        """With the sum, where memory is what was lacking."""
        if "memory" not in str(error).lower() and memory.context_bytes <= free:
            return error
        return DeviceError(
            f"{error}; it takes at least {memory}, and {mib(free)} MiB were free once the weights were there: "
            "run fewer models on this GPU, or fewer contexts",
            is_sticky=error.is_sticky,
        )

    def _check_inputs(self, inputs: Tensors) -> None:
        for source in self._spec.inputs:
            array = inputs.get(source.name)
            got = "none" if array is None else f"{array.dtype} {list(array.shape)}"
            expected = f"{source.dtype.value} {list(source.shape)}"
            if got != expected:
                raise InputError(f"model {self._spec.name}: input {source.name!r}: expected {expected}, got {got}")

    def _closed(self) -> DeviceError:
        return DeviceError(f"model {self._spec.name}: infer before open or after close; open the backend first")
