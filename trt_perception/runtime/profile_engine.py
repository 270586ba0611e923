"""Runs an engine with TensorRT's own profiler: how long each layer takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trt_perception.engine.engine_profile import LayerRun
from trt_perception.engine.layer_recorder import make_layer_recorder


def record_runs(
    trt: Any,
    context: Any,
    run_once: Callable[[], object],
    *,
    runs: int,
    warm_up: int,
    progress: Callable[[int, int], object] | None = None,
) -> tuple[LayerRun, ...]:
    """Layer times of each of `runs` runs, after some that are not kept.

    Args:
        trt: The tensorrt module.
        context: The IExecutionContext that `run_once` enqueues; its profiler is set for the time being.
        run_once: Enqueues once and waits for the end. It may not launch a captured graph: TensorRT sees no layers then.
        runs: How many are timed.
        warm_up: How many go before, so that clocks and caches have settled.
        progress: Called after each timed run with how many are done and how many there are.
    """
    recorder = make_layer_recorder(trt)
    context.profiler = recorder
    try:
        for _ in range(warm_up):
            run_once()
        for index in range(runs):
            recorder.begin_run()
            run_once()
            if progress is not None:
                progress(index + 1, runs)
    finally:
        context.profiler = None
    return tuple(recorder.runs())
