"""What a pipeline has once for every frame that may be under way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trt_perception.runtime.gpu import Memory
from trt_perception.runtime.result_blocks import ResultBlocks
from trt_perception.runtime.stage_events import StageEvents
from trt_perception.runtime.ticket import Ticket


@dataclass(kw_only=True, eq=False)
class PipelineSlot:
    """What one frame takes until its result is read. The device's memory is not in it: a stream uses that in turn.

    Args:
        index: Number of the slot, from 0.
        done: Happens when the result is with the host and the pixels are read no more.
        events: Where the stages end; None where nobody traces.
        ticket: Who will read the result; the next frame of the slot waits for that.
    """

    index: int
    done: Any
    events: StageEvents | None = None
    ticket: Ticket | None = None
    _blocks: ResultBlocks | None = None
    _memory: Memory | None = None

    def settle(self) -> None:
        """Have the result read that lies here, so that the next one may take its place."""
        ticket, self.ticket = self.ticket, None
        if ticket is not None:
            ticket.settle()

    def take_memory(self, blocks: ResultBlocks) -> Memory:
        """Pinned memory for the result of the frame that begins, until one of the two below is called."""
        self._blocks, self._memory = blocks, blocks.take()
        return self._memory

    def lend_memory(self, nbytes: int) -> NDArray[np.uint8]:
        """The frame's result: uint8 (nbytes,), the caller's."""
        blocks, memory = self._taken()
        return blocks.lend(memory, nbytes)

    def give_memory_back(self) -> None:
        """There is no result, and the GPU writes none any more."""
        if self._memory is not None:
            blocks, memory = self._taken()
            blocks.put_back(memory)

    def _taken(self) -> tuple[ResultBlocks, Memory]:
        blocks, memory = self._blocks, self._memory
        assert blocks is not None
        assert memory is not None
        self._blocks = self._memory = None
        return blocks, memory
