"""One pipeline of one camera or set of cameras: what computes, and where its results go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from trt_perception.frame import EncodedFrame, Frame
from trt_perception.result import Result
from trt_perception.runtime.ticket import Ticket


class Processor(Protocol):
    """What turns frames into results: `trt_perception.runtime.pipeline.Pipeline`."""

    def process(self, frames: Sequence[Frame | EncodedFrame]) -> Result:
        """The results of one set of frames.

        Raises:
            FrameError: A frame cannot be used.
            DeviceError: The backend failed.
        """


@runtime_checkable
class TwoPhaseProcessor(Processor, Protocol):
    """What works while the thread goes on: `trt_perception.runtime.gpu_pipeline.GpuPipeline`."""

    def start(self, frames: Sequence[Frame | EncodedFrame]) -> Ticket:
        """Begin; the ticket has the result. The frames' pixels must stay until then.

        Raises:
            FrameError: A frame cannot be used.
            DeviceError: The device failed.
        """

    def catch_up(self) -> None:
        """Do what need not hold a frame up; called between frames.

        Raises:
            DeviceError: The device failed.
        """


class Output(Protocol):
    """Where results go."""

    def has_listeners(self) -> bool:
        """Whether anybody would hear a result."""

    def publish(self, frame: Frame | EncodedFrame, result: Result) -> None:
        """Send one result to all who listen."""


@dataclass(frozen=True, kw_only=True)
class Lane:
    """One pipeline of one camera or set of cameras.

    Args:
        name: The pipeline's name in the config.
        processor: What computes; on the host, shared with the pipeline's other cameras.
        output: Where the results go.
        always_on: Whether to compute even where nobody listens.
    """

    name: str
    processor: Processor
    output: Output
    always_on: bool = False
    _ahead: TwoPhaseProcessor | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Once, since asking a protocol takes its time.
        ahead = self.processor if isinstance(self.processor, TwoPhaseProcessor) else None
        object.__setattr__(self, "_ahead", ahead)

    def is_wanted(self) -> bool:
        """Whether a frame is worth computing now."""
        return self.always_on or self.output.has_listeners()

    def start(self, frames: Sequence[Frame | EncodedFrame]) -> Ticket:
        """Begin with one set of frames; a processor that cannot work ahead does so once the ticket is asked.

        Raises:
            FrameError: A frame cannot be used.
            DeviceError: The device failed.
        """
        if self._ahead is not None:
            return self._ahead.start(frames)
        return Ticket(lambda: self.processor.process(frames))

    def settle(self, ticket: Ticket) -> None:
        """Wait until nobody reads the frame of a ticket of this lane any more; what has not begun does not begin."""
        if self._ahead is not None:
            ticket.settle()

    def catch_up(self) -> None:
        """Do what need not hold a frame up.

        Raises:
            DeviceError: The device failed.
        """
        if self._ahead is not None:
            self._ahead.catch_up()
