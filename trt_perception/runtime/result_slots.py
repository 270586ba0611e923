"""Where the results of a pipeline's frames come back to."""

from __future__ import annotations

from trt_perception.runtime.gpu import Gpu
from trt_perception.runtime.pipeline_slot import PipelineSlot
from trt_perception.runtime.result_blocks import ResultBlocks
from trt_perception.runtime.stage_events import StageEvents


class ResultSlots:
    """The slots of one pipeline, with the pinned memory that they share.

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
        self._blocks: ResultBlocks | None = None

    @property
    def result_bytes(self) -> int:
        """The largest result that there is room for."""
        return 0 if self._blocks is None else self._blocks.nbytes

    @property
    def blocks(self) -> ResultBlocks:
        """Where results come back to, between `reserve` and `free`."""
        assert self._blocks is not None
        return self._blocks

    def of(self, place: int) -> PipelineSlot:
        """The slot of frames that lie in the place of that number."""
        return self._slots[place % len(self._slots)]

    def reserve(self, nbytes: int) -> None:
        """Make room for results of that size, once `free` has been called.

        Raises:
            DeviceError: Not enough pinned memory.
        """
        self._blocks = ResultBlocks(self._gpu, nbytes=nbytes, under_way=len(self._slots))

    def settle(self) -> None:
        """Have all results read that lie here, or will."""
        for slot in self._slots:
            slot.settle()

    def free(self) -> None:
        """Give the memory back, once nothing is under way. Harmless when called twice."""
        blocks, self._blocks = self._blocks, None
        if blocks is not None:
            blocks.close()
