"""One pipeline of one camera: what computes, and where its results go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from trt_perception.frame import EncodedFrame, Frame
from trt_perception.result import Result


class Processor(Protocol):
    """What turns frames into results: `trt_perception.runtime.pipeline.Pipeline`."""

    def process(self, frames: Sequence[Frame | EncodedFrame]) -> Result:
        """The results of one set of frames.

        Raises:
            FrameError: A frame cannot be used.
            DeviceError: The backend failed.
        """


class Output(Protocol):
    """Where results go."""

    def has_listeners(self) -> bool:
        """Whether anybody would hear a result."""

    def publish(self, frame: Frame | EncodedFrame, result: Result) -> None:
        """Send one result to all who listen."""


@dataclass(frozen=True, kw_only=True)
class Lane:
    """One pipeline of one camera.

    Args:
        name: The pipeline's name in the config.
        processor: What computes; shared with the pipeline's other cameras.
        output: Where the results go.
        always_on: Whether to compute even where nobody listens.
    """

    name: str
    processor: Processor
    output: Output
    always_on: bool = False

    def is_wanted(self) -> bool:
        """Whether a frame is worth computing now."""
        return self.always_on or self.output.has_listeners()
