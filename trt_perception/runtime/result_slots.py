"""Where the results of a pipeline's frames come back to."""

from __future__ import annotations

from collections.abc import Iterator

from trt_perception.runtime.gpu import Gpu
from trt_perception.runtime.pipeline_slot import PipelineSlot
from trt_perception.runtime.stage_events import StageEvents


class ResultSlots:
    """The slots of one pipeline, with their pinned memory.

    Args:
        gpu: Whose results.
        count: Frames under way at once.
        trace: Whether the times of the stages are taken.

    Raises:
        DeviceError: CUDA makes no event.
    """

    def __init__(self, gpu: Gpu, *, count: int, trace: bool) -> None:
        self._gpu = gpu
        self._slots = tuple(
            PipelineSlot(index=index, done=gpu.make_event(), events=StageEvents.make(gpu) if trace else None)
            for index in range(count)
        )

    def __iter__(self) -> Iterator[PipelineSlot]:
        return iter(self._slots)

    @property
    def result_bytes(self) -> int:
        """The largest result that every slot has room for."""
        return min(slot.memory.nbytes if slot.memory else 0 for slot in self._slots)

    def of(self, place: int) -> PipelineSlot:
        """The slot of frames that lie in the place of that number."""
        return self._slots[place % len(self._slots)]

    def reserve(self, nbytes: int) -> None:
        """Make room for results of that size, once `free` has been called.

        Raises:
            DeviceError: Not enough pinned memory.
        """
        for slot in self._slots:
            slot.memory = self._gpu.allocate_pinned(nbytes)

    def settle(self) -> None:
        """Have all results read that lie here, or will."""
        for slot in self._slots:
            slot.settle()

    def free(self) -> None:
        """Give the memory back, once nothing is under way. Harmless when called twice."""
        lost = self._gpu.is_lost()
        for slot in self._slots:
            memory, slot.memory = slot.memory, None
            if memory is not None and not lost:
                self._gpu.free(memory)
