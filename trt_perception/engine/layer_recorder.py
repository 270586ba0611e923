"""Takes TensorRT's layer times, run by run."""

from __future__ import annotations

from typing import Any

from trt_perception.engine.engine_profile import LayerRun


def make_layer_recorder(trt: Any) -> Any:
    """An IProfiler of the given module with ``begin_run()`` and ``runs() -> tuple[LayerRun, ...]``.

    TensorRT calls it once a layer for each enqueue of a context whose `profiler` it is. A layer that is called more
    than once in a run (a loop) has its times added.

    Args:
        trt: The tensorrt module.
    """

    class LayerRecorder(trt.IProfiler):  # type: ignore[misc]  # the base class is known only now
        def __init__(self) -> None:
            trt.IProfiler.__init__(self)
            self._runs: list[dict[str, float]] = []

        def begin_run(self) -> None:
            """What is reported from now on belongs to a new run."""
            self._runs.append({})

        def report_layer_time(self, layer_name: str, ms: float) -> None:
            """Called by TensorRT; what comes before the first run is warm-up and not kept."""
            if self._runs:
                self._runs[-1][layer_name] = self._runs[-1].get(layer_name, 0.0) + ms

        def runs(self) -> tuple[LayerRun, ...]:
            """The times so far."""
            return tuple(self._runs)

    return LayerRecorder()
