"""Work on one stream that is repeated as it is: one launch of a CUDA graph where it can be captured."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from trt_perception.errors import DeviceError
from trt_perception.runtime.gpu import Gpu


class CapturedWork:
    """Runs the work once, then captures it. Where that fails, `launch` calls the work instead, and `reason` says why.

    Every address and number that the work gives to the GPU is frozen with the capture.

    Args:
        gpu: Where it runs.
        stream: What it runs on, of cuda.core; idle now.
        work: Enqueues everything on the stream whose handle it gets, and waits for nothing.
        graph: Whether to capture at all.
        later: Whether to run nothing now: `launch` calls the work until somebody calls `capture`.

    Raises:
        DeviceError: The work itself fails.
    """

    def __init__(
        self, gpu: Gpu, stream: Any, work: Callable[[int], None], *, graph: bool = True, later: bool = False
    ) -> None:
        self._gpu = gpu
        self._stream = stream
        self._work = work
        self._graph: Any = None
        self.reason = ("not captured yet" if later else "") if graph else "switched off"
        if later:
            return
        # Kernels are loaded and TensorRT prepares itself on the first run, which cannot be captured.
        work(int(stream.handle))
        with gpu.guard("the first run"):
            stream.sync()
        if graph:
            self.capture()

    @property
    def is_graph(self) -> bool:
        """Whether a launch is one launch of a CUDA graph."""
        return self._graph is not None

    @property
    def note(self) -> str:
        """The same for people."""
        return "CUDA graph" if self.is_graph else f"no CUDA graph: {self.reason}"

    def launch(self) -> None:
        """Enqueue the work once more.

        Raises:
            DeviceError: CUDA or the work fails.
        """
        if self._graph is None:
            self._work(int(self._stream.handle))
            return
        self._gpu.launch_graph(self._graph, self._stream)

    def close(self) -> None:
        """Free the graph; the stream stays. Harmless when called twice."""
        graph, self._graph = self._graph, None
        if graph is not None:
            graph.close()

    def capture(self) -> None:
        """Capture the work, once; the stream is idle, and work of this kind has run on it before.

        Raises:
            DeviceError: The failed attempt took the device with it.
        """
        builder = self._stream.create_graph_builder()
        try:
            # Other threads may allocate meanwhile: another model is being opened.
            builder.begin_building(mode="thread_local")
            self._work(int(builder.stream.handle))
            self._graph = builder.end_building().complete()
            self.reason = ""
        except Exception as error:  # cuda.core raises a private class
            self.reason = " ".join(str(error).split())
            with suppress(Exception):  # the capture must end, and it is what failed
                builder.end_building()
        finally:
            with suppress(Exception):
                builder.close()
        if self._graph is None:
            self._check_stream()

    def _check_stream(self) -> None:
        """A capture that failed must not have harmed what comes after it."""
        if self._gpu.is_lost():
            raise DeviceError(f"capturing a CUDA graph failed: {self.reason}", is_sticky=True)
        with self._gpu.guard(f"waiting after a failed capture ({self.reason})"):
            self._stream.sync()
