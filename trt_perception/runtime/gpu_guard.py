"""Errors of the CUDA packages become errors of this package."""

from __future__ import annotations

from collections.abc import Callable

from trt_perception.errors import DeviceError, PerceptionError
from trt_perception.runtime.gpu_watch import Watched


class CudaErrors:
    """A `with` block whose errors become a DeviceError, but for those of this package.

    Args:
        doing: What failed then, e.g. `loading a kernel`.
        error: Makes the error to raise.
    """

    __slots__ = ("_error", "_failing")

    def __init__(self, doing: str, error: Callable[[str], DeviceError]) -> None:
        self._failing = doing
        self._error = error

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        # cuda.core raises a private class, and others for wrong arguments.
        if isinstance(error, Exception) and not isinstance(error, PerceptionError):
            raise self._error(f"{self._failing} failed: {error}") from error


class GpuGuard(CudaErrors):
    """The same for what may wait for the GPU: a `GpuWatch` sees when that does not end.

    Args:
        doing: What failed then, or does not end, e.g. `waiting for the engine`.
        error: Makes the error to raise.
        name: Of the GPU, for the watch.
    """

    __slots__ = ("_watched",)

    def __init__(self, doing: str, error: Callable[[str], DeviceError], *, name: str) -> None:
        super().__init__(doing, error)
        self._watched = Watched(f"{name}: {doing}")

    def __enter__(self) -> None:
        self._watched.__enter__()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._watched.__exit__()
        super().__exit__(kind, error, trace)
