"""Runs an engine with TensorRT's own profiler: how long each layer takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trt_perception.engine.engine_account import read_engine_account
from trt_perception.engine.engine_files import EngineFiles
from trt_perception.engine.engine_io import engine_tensors
from trt_perception.engine.engine_profile import EngineProfile, LayerRun, summarize_runs
from trt_perception.engine.error_recorder import make_error_recorder
from trt_perception.engine.gpu_identity import current_gpu
from trt_perception.engine.layer_recorder import make_layer_recorder
from trt_perception.engine.layer_table import layer_regions
from trt_perception.engine.load_engine_file import load_engine_file
from trt_perception.engine.manifest import read_manifest
from trt_perception.engine.open_plan import open_plan
from trt_perception.engine.read_layers import best_sizes, inspect_engine
from trt_perception.engine.tensorrt_module import identify, load_tensorrt
from trt_perception.errors import DeviceError
from trt_perception.runtime.gpu import Gpu

_SHORT_TYPES = {"bfloat16": 2, "float8": 1, "int4": 1, "float4": 1}
"""Bytes of an element, at most, of types that NumPy does not have."""

RunProgress = Callable[[int, int], object]
"""Called after each timed run with how many are done and how many there are."""


@dataclass(frozen=True, kw_only=True)
class ProfiledEngine:
    """What profiling gave.

    Args:
        engine: The plan.
        profile: The times, summed up.
        runs: The times of every run.
        notes: What is to be known beside them.
    """

    engine: Path
    profile: EngineProfile
    runs: tuple[LayerRun, ...]
    notes: tuple[str, ...] = ()


def profile_engine(
    engine: Path, *, runs: int, warm_up: int, device: int = 0, progress: RunProgress | None = None
) -> ProfiledEngine:
    """Time the layers of an engine, one run after another, without a CUDA graph, on inputs of zeros.

    Args:
        engine: The plan; its manifest lies beside it.
        runs: How many are timed.
        warm_up: How many go before.
        device: Index of the GPU.
        progress: Told of each run.

    Raises:
        EngineError: The files do not belong together, or not to this TensorRT and GPU.
        MissingError: TensorRT, the CUDA packages, a driver or a plugin library is not there.
        DeviceError: The GPU or TensorRT fails, or TensorRT reports no layer times.
    """
    manifest = read_manifest(engine)
    trt = load_tensorrt(manifest.tensorrt.module)
    loaded = load_engine_file(engine, tensorrt=identify(trt), gpu=current_gpu(device))
    account = read_engine_account(engine, manifest)
    folder = EngineFiles(engine).engine.parent
    gpu = Gpu(device)
    plugins = [str(folder / path) for path in manifest.plugins]
    with open_plan(trt, loaded.plan, name=engine, plugins=plugins) as opened:
        layers = inspect_engine(trt, opened)
        with _ready_context(trt, opened, gpu) as (context, run_once):
            times = record_runs(trt, context, run_once, runs=runs, warm_up=warm_up, progress=progress)
    regions = () if account is None else layer_regions(layers, account)
    missing = () if account is not None else ("no account beside the engine: its layers are not assigned to regions",)
    return ProfiledEngine(
        engine=engine,
        profile=summarize_runs(times, layers, regions),
        runs=times,
        notes=(*loaded.warnings, *missing),
    )


def record_runs(
    trt: Any,
    context: Any,
    run_once: Callable[[], object],
    *,
    runs: int,
    warm_up: int,
    progress: RunProgress | None = None,
) -> tuple[LayerRun, ...]:
    """Layer times of each of `runs` runs, after some that are not kept.

    Args:
        trt: The tensorrt module.
        context: The IExecutionContext that `run_once` enqueues; it gets a profiler.
        run_once: Enqueues once and waits for the end. It may not launch a captured graph: TensorRT sees no layers then.
        runs: How many are timed.
        warm_up: How many go before, so that clocks and caches have settled.
        progress: Told of each run.
    """
    recorder = make_layer_recorder(trt)
    context.profiler = recorder
    for _ in range(warm_up):
        run_once()
    for index in range(runs):
        recorder.begin_run()
        run_once()
        if progress is not None:
            progress(index + 1, runs)
    return tuple(recorder.runs())


@contextmanager
def _ready_context(trt: Any, engine: Any, gpu: Gpu) -> Iterator[tuple[Any, Callable[[], None]]]:
    """An execution context with memory for every tensor, and what runs it once; valid inside the `with` block."""
    recorder = make_error_recorder(trt)
    context = engine.create_execution_context()
    if context is None:
        raise DeviceError("profile: TensorRT gives no execution context; see that the GPU has memory left")
    context.error_recorder = recorder
    stream = gpu.make_stream()
    for name, sizes in best_sizes(trt, engine).items():
        context.set_input_shape(name, sizes)
    held = []

    def run_once() -> None:
        if not context.execute_async_v3(int(stream.handle)):
            raise DeviceError(
                f"profile: TensorRT does not run the engine: {'; '.join(recorder.texts()) or 'no reason'}"
            )
        with gpu.guard("waiting for the engine"):
            stream.sync()

    try:
        for tensor in engine_tensors(trt, engine):
            count = int(np.prod(tuple(context.get_tensor_shape(tensor.name)), dtype=np.int64))
            held.append(gpu.allocate(count * _element_bytes(tensor.dtype)))
            gpu.fill_with_zeros(held[-1], stream)
            context.set_tensor_address(tensor.name, held[-1].address)
        yield context, run_once
    finally:
        for memory in held:
            gpu.free(memory)


def _element_bytes(dtype: str) -> int:
    return _SHORT_TYPES.get(dtype) or int(np.dtype(dtype).itemsize)
