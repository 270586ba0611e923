"""Runs an engine with TensorRT's own profiler: how long each layer takes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trt_perception.engine.engine_account import read_engine_account
from trt_perception.engine.engine_profile import EngineProfile, LayerRun, summarize_runs
from trt_perception.engine.layer_recorder import make_layer_recorder
from trt_perception.engine.layer_table import layer_regions
from trt_perception.runtime.engine_context import EngineContext
from trt_perception.runtime.open_engine import open_engine

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
    engine: Path,
    *,
    runs: int,
    warm_up: int,
    device: int = 0,
    public_key: Path | None = None,
    progress: RunProgress | None = None,
) -> ProfiledEngine:
    """Time the layers of an engine, one run after another, without a CUDA graph, on inputs of zeros.

    Args:
        engine: The plan; its manifest lies beside it.
        runs: How many are timed.
        warm_up: How many go before.
        device: Index of the GPU.
        public_key: Whose signature is asked for. None: none.
        progress: Told of each run.

    Raises:
        EngineError: The files do not belong together, or not to this TensorRT and GPU.
        MissingError: TensorRT, the CUDA packages, a driver or a plugin library is not there.
        DeviceError: The GPU or TensorRT fails, or TensorRT reports no layer times.
    """
    with ExitStack() as stack:
        opened = open_engine(engine, device=device, public_key=public_key)
        stack.callback(opened.engine.close)
        account = read_engine_account(engine, opened.manifest)
        layers = opened.engine.layers()
        context = EngineContext(opened.engine, shapes=opened.engine.best_shapes())
        stack.callback(context.close)
        times = record_runs(opened.engine.trt, context, runs=runs, warm_up=warm_up, progress=progress)
    regions = () if account is None else layer_regions(layers, account)
    missing = () if account is not None else ("no account beside the engine: its layers are not assigned to regions",)
    return ProfiledEngine(
        engine=engine,
        profile=summarize_runs(times, layers, regions),
        runs=times,
        notes=(*opened.warnings, *missing),
    )


def record_runs(
    trt: Any, context: EngineContext, *, runs: int, warm_up: int, progress: RunProgress | None = None
) -> tuple[LayerRun, ...]:
    """Layer times of each of `runs` runs, after some that are not kept.

    Args:
        trt: The tensorrt module.
        context: What is run, without a CUDA graph; it keeps reporting afterwards.
        runs: How many are timed.
        warm_up: How many go before, so that clocks and caches have settled.
        progress: Told of each run.

    Raises:
        DeviceError: TensorRT or the GPU fails.
    """
    recorder = make_layer_recorder(trt)
    context.report_to(recorder)
    for _ in range(warm_up):
        _run_once(context)
    for index in range(runs):
        recorder.begin_run()
        _run_once(context)
        if progress is not None:
            progress(index + 1, runs)
    return tuple(recorder.runs())


def _run_once(context: EngineContext) -> None:
    context.enqueue()
    with context.gpu.guard("waiting for the engine"):
        context.stream.sync()
