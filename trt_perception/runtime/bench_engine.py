"""How fast engines are, over streams and batch sizes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter

import numpy as np

from trt_perception.errors import EngineError, InputError
from trt_perception.runtime.bench_result import BenchedEngine, BenchResult, BenchRow
from trt_perception.runtime.engine_context import EngineContext
from trt_perception.runtime.inference_pump import InferencePump
from trt_perception.runtime.open_engine import OpenedEngine, open_engine
from trt_perception.runtime.tensorrt_engine import Shapes

_WARM_UP_S = 0.3
_FEWEST = 20


def bench_engines(
    paths: Sequence[Path],
    *,
    streams: Sequence[int] = (1,),
    batches: Sequence[int] = (1,),
    seconds: float = 1.0,
    device: int = 0,
    public_key: Path | None = None,
    graph: bool = True,
    on_row: Callable[[BenchRow], object] | None = None,
) -> BenchResult:
    """Time engines on noise; at each number of streams and batch one engine after the other.

    One thread launches for all streams, two inferences ahead on each, and sleeps while it waits. Times are those of
    CUDA events around each inference; frames a second are those of the wall clock.

    Args:
        paths: Engines with their manifests; the first is what the others are compared with.
        streams: Numbers of contexts at once.
        batches: Frames of one inference; an engine of fixed sizes has one.
        seconds: Time of each measurement, after a warm-up.
        device: Index of the GPU.
        public_key: Whose signature is asked for. None: none.
        graph: Whether to launch CUDA graphs where an engine can be captured.
        on_row: Told of each measurement.

    Raises:
        InputError: No engine, two of one name, or a number below 1.
        EngineError: An engine cannot be loaded here, or does not take a batch.
        MissingError: TensorRT, the CUDA packages or the driver are not here.
        DeviceError: Out of memory, or CUDA or TensorRT fails.
    """
    _check(paths, streams, batches, seconds)
    with ExitStack() as stack:
        # TensorRT and CUDA take memory once for all engines: it is not the first engine's.
        open_engine(paths[0], device=device, public_key=public_key).engine.close()
        opened = []
        for path in paths:
            opened.append(open_engine(path, device=device, public_key=public_key))
            stack.callback(opened[-1].engine.close)
        for one in opened:
            for batch in batches:
                EngineContext(one.engine, shapes=shapes_of(one, batch)).close()  # says now what would fail later
        rows: list[BenchRow] = []
        for count in streams:
            for batch in batches:
                measured = [
                    _measure(one, path.name, streams=count, batch=batch, seconds=seconds, graph=graph)
                    for one, path in zip(opened, paths, strict=True)
                ]
                for row in measured:
                    rows.append(dataclasses.replace(row, speed=row.frames_per_s / measured[0].frames_per_s))
                    if on_row is not None:
                        on_row(rows[-1])
        return BenchResult(
            gpu=opened[0].gpu,
            tensorrt=opened[0].tensorrt,
            seconds=seconds,
            engines=tuple(_described(one, path.name) for one, path in zip(opened, paths, strict=True)),
            rows=tuple(rows),
        )


def shapes_of(opened: OpenedEngine, batch: int) -> Shapes:
    """The shapes of the engine's inputs at a batch; what else it leaves open is as in its model's spec.

    Raises:
        EngineError: It has a fixed batch, and another one.
    """
    spec = {source.name: source.shape for source in opened.manifest.spec.inputs}
    shapes = {}
    for tensor in opened.engine.tensors:
        if not tensor.is_input:
            continue
        if tensor.shape[0] not in (-1, batch):
            raise EngineError(
                opened.engine.name, f"it has a fixed batch of {tensor.shape[0]}, got {batch}",
                "build it with a profile, of an ONNX whose batch is open",
            )  # fmt: skip
        sizes = zip(tensor.shape[1:], spec[tensor.name][1:], strict=True)
        shapes[tensor.name] = (batch, *(known if size == -1 else size for size, known in sizes))
    return shapes


def _measure(opened: OpenedEngine, name: str, *, streams: int, batch: int, seconds: float, graph: bool) -> BenchRow:
    with ExitStack() as stack:
        contexts = []
        for _ in range(streams):
            contexts.append(EngineContext(opened.engine, shapes=shapes_of(opened, batch)))
            stack.callback(contexts[-1].close)
            contexts[-1].prepare(graph=graph)
            _fill(contexts[-1])
        pumps = [InferencePump(context) for context in contexts]
        _run(pumps, seconds=_WARM_UP_S)
        start = perf_counter()
        times = _run(pumps, seconds=seconds)
        elapsed = perf_counter() - start
        tensor_bytes = sum(tensor.nbytes for tensor in contexts[0].tensors)
        return BenchRow(
            engine=name,
            streams=streams,
            batch=batch,
            p50_ms=float(np.percentile(times, 50)),
            p99_ms=float(np.percentile(times, 99)),
            frames_per_s=len(times) * batch / elapsed,
            inferences=len(times),
            memory_bytes=opened.weights_bytes + streams * (opened.engine.scratch_bytes + tensor_bytes),
            graph=contexts[0].note,
        )


def _fill(context: EngineContext) -> None:
    """Noise as the input: zeros take less power, and a GPU that is cooler is faster."""
    random = np.random.default_rng(0)
    for tensor in context.inputs:
        values = random.uniform(0, 1 if tensor.dtype.kind == "f" else 100, tensor.shape)
        context.gpu.upload(tensor.address, values.astype(tensor.dtype), context.stream)


def _run(pumps: Sequence[InferencePump], *, seconds: float) -> list[float]:
    """Keep all streams busy for a while, then let them finish; the time of every inference, ms."""
    times: list[float] = []
    end = perf_counter() + seconds
    while perf_counter() < end or len(times) < _FEWEST:
        for pump in pumps:
            pump.fill()
        times += [pump.wait() for pump in pumps]
    for pump in pumps:
        while not pump.is_idle:
            times.append(pump.wait())
    return times


def _described(opened: OpenedEngine, name: str) -> BenchedEngine:
    manifest = opened.manifest
    return BenchedEngine(
        name=name,
        plan="" if manifest.precision_plan is None else manifest.precision_plan.name,
        optimization_level=None if manifest.options is None else manifest.options.optimization_level,
        plan_bytes=manifest.plan_bytes,
        weights_bytes=opened.weights_bytes,
        scratch_bytes=opened.engine.scratch_bytes,
    )


def _check(paths: Sequence[Path], streams: Sequence[int], batches: Sequence[int], seconds: float) -> None:
    if not paths:
        raise InputError("bench: expected an engine, got none")
    names = [path.name for path in paths]
    if len(set(names)) != len(names):
        raise InputError(f"bench: expected engines of different names, got {', '.join(names)}; rename one")
    for what, numbers in (("streams", streams), ("batch", batches)):
        if not numbers or min(numbers) < 1:
            raise InputError(f"bench: expected --{what} of at least 1, got {', '.join(map(str, numbers)) or 'none'}")
    if not 0 < seconds < float("inf"):
        raise InputError(f"bench: expected --seconds above 0, got {seconds}")
