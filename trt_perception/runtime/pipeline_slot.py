"""What a pipeline has once for every frame that may be under way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trt_perception.runtime.gpu import Gpu, Memory
from trt_perception.runtime.stage_events import StageEvents
from trt_perception.runtime.ticket import Ticket


@dataclass(kw_only=True, eq=False)
class PipelineSlot:
    """Where one frame's result comes back to. The device's memory is not in it: a stream uses that in turn.

    Args:
        index: Number of the slot, from 0.
        done: Happens when the result is in `memory` and the pixels are read no more.
        memory: Pinned memory for the result; None before the first plan.
        events: Where the stages end; None where nobody traces.
        ticket: Who will read the result; the next frame of the slot waits for that.
    """

    index: int
    done: Any
    memory: Memory | None = None
    events: StageEvents | None = None
    ticket: Ticket | None = None

    def settle(self) -> None:
        """Have the result read that lies here, so that the next one may take its place."""
        ticket, self.ticket = self.ticket, None
        if ticket is not None:
            ticket.settle()

    def block(self, gpu: Gpu, nbytes: int) -> NDArray[np.uint8]:
        """The result's bytes: a view, valid until the slot's next frame."""
        assert self.memory is not None
        return gpu.array(self.memory, shape=(self.memory.nbytes,), dtype=np.dtype(np.uint8))[:nbytes]
