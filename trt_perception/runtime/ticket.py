"""A frame that a pipeline has begun: the promise of its result."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from trt_perception.result import Result


class Ticket:
    """What `GpuPipeline.start` gives. The frame's pixels must stay as they are until `result` has returned or raised.

    Args:
        finish: Waits for the GPU and reads the result; called once.
    """

    def __init__(self, finish: Callable[[], Result]) -> None:
        self._finish: Callable[[], Result] | None = finish
        self._lock = Lock()
        self._result: Result | None = None
        self._error: BaseException | None = None

    @staticmethod
    def failed(error: Exception) -> Ticket:
        """That of a frame whose beginning failed already."""

        def finish() -> Result:
            raise error

        return Ticket(finish)

    def result(self) -> Result:
        """The result; the thread sleeps until it is there. Any thread, any number of times.

        Raises:
            FrameError: The model's outputs for the frame cannot be used.
            DeviceError: CUDA or TensorRT failed.
        """
        self.settle()
        if self._error is not None:
            raise self._error
        assert self._result is not None
        return self._result

    def settle(self) -> None:
        """Wait, and keep the result, or why there is none, for `result`: the pipeline needs the slot."""
        with self._lock:
            finish, self._finish = self._finish, None  # with it goes what holds the frame's pixels
            if finish is None:
                return
            try:
                self._result = finish()
            except Exception as error:
                self._error = error
            except BaseException as error:
                self._error = error
                raise
