"""One execution context of an engine, with the stream and the device memory that it works on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from trt_perception.errors import DeviceError, EngineError
from trt_perception.runtime.captured_work import CapturedWork
from trt_perception.runtime.gpu import Memory
from trt_perception.runtime.tensorrt_engine import Shapes, TensorRtEngine


@dataclass(frozen=True, kw_only=True)
class ContextTensor:
    """One input or output as a context has it.

    Args:
        name: Tensor name.
        is_input: Whether it goes in.
        shape: Batch first; nothing is open any more.
        dtype: Element type, the engine's own.
        address: Where it lies on the device, contiguous.
    """

    name: str
    is_input: bool
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    address: int

    @property
    def nbytes(self) -> int:
        """Its size."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize


class EngineContext:
    """Runs an engine on one stream, one inference after another; others run beside it on streams of their own.

    Everything is allocated here; `launch` and `enqueue` allocate nothing. One thread at a time.

    Args:
        engine: What to run.
        shapes: Of the inputs that the engine leaves open; they choose the optimisation profile.
        addresses: Where inputs or outputs lie that others have allocated, by name, aligned to 256 bytes; they must
            outlive the context. The rest is allocated here, filled with zeros.
        stream: A stream of cuda.core that others own. None: one of its own, of `priority`.
        priority: Lower numbers go first. None: the lowest.

    Raises:
        DeviceError: Out of memory, or TensorRT refuses.
        EngineError: The engine does not take these shapes, or has no such tensor.
    """

    def __init__(
        self,
        engine: TensorRtEngine,
        *,
        shapes: Shapes | None = None,
        addresses: Mapping[str, int] | None = None,
        stream: Any = None,
        priority: int | None = None,
    ) -> None:
        self.engine = engine
        self.gpu = engine.gpu
        self.tensors: tuple[ContextTensor, ...] = ()
        self._memory: list[Memory] = []
        self._work: CapturedWork | None = None
        self._context: Any = None
        self._owns_stream = stream is None
        self.gpu.use()
        self.stream = self.gpu.make_stream(priority=priority) if stream is None else stream
        try:
            self._open(shapes or {}, addresses or {})
        except BaseException:
            self.close()
            raise

    @property
    def inputs(self) -> tuple[ContextTensor, ...]:
        """What goes in."""
        return tuple(tensor for tensor in self.tensors if tensor.is_input)

    @property
    def outputs(self) -> tuple[ContextTensor, ...]:
        """What comes out."""
        return tuple(tensor for tensor in self.tensors if not tensor.is_input)

    @property
    def note(self) -> str:
        """`CUDA graph`, or `no CUDA graph` and why."""
        return self._work.note if self._work is not None else "no CUDA graph: not prepared"

    @property
    def is_graph(self) -> bool:
        """Whether `launch` is one launch of a CUDA graph."""
        return self._work is not None and self._work.is_graph

    def enqueue(self, handle: int | None = None) -> None:
        """Let TensorRT enqueue one inference; may be called while somebody captures the stream.

        A capture needs a plain `enqueue` before it, and no other inference of this context at the same time.

        Args:
            handle: Address of the CUDA stream. None: the context's own.

        Raises:
            DeviceError: TensorRT refuses; names the engine and says what TensorRT said.
        """
        if not self._context.execute_async_v3(int(self.stream.handle) if handle is None else handle):
            raise self.engine.error("TensorRT refuses to run it", self._recorder)

    def report_to(self, profiler: Any) -> None:
        """Let TensorRT tell an IProfiler what each layer of every later `enqueue` took; a captured graph tells nothing.

        Args:
            profiler: See `layer_recorder`. It makes each `enqueue` wait for its end.
        """
        self._context.profiler = profiler

    def prepare(self, *, graph: bool = True) -> None:
        """Run once, and capture the enqueue as a CUDA graph where that works: `note` says whether.

        Raises:
            DeviceError: The engine does not run.
        """
        if graph and not getattr(self._context, "is_stream_capturable", lambda _: True)(int(self.stream.handle)):
            self._work = CapturedWork(self.gpu, self.stream, self.enqueue, graph=False)
            self._work.reason = "TensorRT says that this engine cannot be captured"
            return
        self._work = CapturedWork(self.gpu, self.stream, self.enqueue, graph=graph)

    def launch(self) -> None:
        """Enqueue one inference on the context's stream; call `prepare` once before.

        Raises:
            DeviceError: CUDA or TensorRT fails.
        """
        if self._work is None:
            raise DeviceError(f"engine {self.engine.name}: launch before prepare; call prepare first")
        self._work.launch()

    def close(self) -> None:
        """Wait for the stream and free everything that is the context's own. Harmless when called twice."""
        self.gpu.use()
        lost = self.gpu.is_lost()  # then nothing can be freed, and the process ends soon
        stream, self.stream = self.stream, None
        if stream is not None and not lost:
            with self.gpu.guard("waiting for the engine"):
                stream.sync()
        if self._work is not None:
            self._work.close()
            self._work = None
        self._context = None
        self.tensors = ()
        while self._memory:
            memory = self._memory.pop()
            if not lost:
                self.gpu.free(memory)
        if stream is not None and self._owns_stream and not lost:
            stream.close()

    def _open(self, shapes: Shapes, addresses: Mapping[str, int]) -> None:
        engine = self.engine
        self._recorder = engine.new_recorder()
        self._context = engine.make_context()
        self._context.error_recorder = self._recorder
        scratch = self._allocate(engine.scratch_bytes)
        if hasattr(self._context, "set_device_memory"):  # TensorRT 10
            self._context.set_device_memory(scratch.address, scratch.nbytes)
        else:
            self._context.device_memory = scratch.address
        self._check_names({**dict.fromkeys(shapes), **dict.fromkeys(addresses)})
        self._set_shapes(shapes)
        tensors = []
        for binding in engine.tensors:
            shape = tuple(int(size) for size in self._context.get_tensor_shape(binding.name))
            if any(size < 0 for size in shape):
                raise EngineError(
                    engine.name, f"the shape of {binding.name!r} must be known beforehand, got {list(shape)}",
                    "give `shapes` for every input of open size; outputs whose size depends on data cannot be used",
                )  # fmt: skip
            dtype = np.dtype(binding.dtype)
            size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
            address = addresses.get(binding.name) or self._allocate(size).address
            if not self._context.set_tensor_address(binding.name, address):
                raise engine.error(f"TensorRT refuses the address of {binding.name!r}", self._recorder)
            tensors.append(
                ContextTensor(name=binding.name, is_input=binding.is_input, shape=shape, dtype=dtype, address=address)
            )
        self.tensors = tuple(tensors)
        with self.gpu.guard("clearing device memory"):
            self.stream.sync()

    def _set_shapes(self, shapes: Shapes) -> None:
        """Choose the profile and fix every open input; the others have but one shape."""
        engine = self.engine
        open_inputs = {tensor.name for tensor in engine.tensors if tensor.is_input and -1 in tensor.shape}
        for tensor in engine.tensors:
            given = shapes.get(tensor.name)
            if tensor.is_input and tensor.name not in open_inputs and given not in (None, tensor.shape):
                raise EngineError(
                    engine.name, f"input {tensor.name!r} must have shape {list(tensor.shape)}, got {list(given or ())}",
                    "the engine has fixed sizes: build one with profiles",
                )  # fmt: skip
        if not open_inputs:
            return
        if missing := sorted(open_inputs - set(shapes)):
            raise EngineError(engine.name, f"input {missing[0]!r} has an open size", "give its shape")
        wanted = {name: tuple(shapes[name]) for name in sorted(open_inputs)}
        profile = engine.profile_of(wanted)
        if not self._context.set_optimization_profile_async(profile, int(self.stream.handle)):
            raise engine.error(
                f"TensorRT refuses profile {profile}; TensorRT 8 shares a profile between contexts only if it was "
                "built so",
                self._recorder,
            )
        for name, shape in wanted.items():
            if not self._context.set_input_shape(name, shape):
                raise engine.error(f"TensorRT refuses the shape {list(shape)} of {name!r}", self._recorder)

    def _check_names(self, names: Mapping[str, object]) -> None:
        known = [tensor.name for tensor in self.engine.tensors]
        unknown = [name for name in names if name not in known]
        if unknown:
            raise EngineError(
                self.engine.name, f"expected tensors {', '.join(known)}, got {unknown[0]!r}", "correct the name"
            )

    def _allocate(self, nbytes: int) -> Memory:
        memory = self.gpu.allocate(nbytes)
        self._memory.append(memory)
        # What lies there may be anything, and a network may take it for an index.
        self.gpu.fill_with_zeros(memory, self.stream)
        return memory
