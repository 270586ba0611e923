"""The images of several cameras that one run of a model takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from trt_perception.errors import DropReason, FrameError
from trt_perception.frame import EncodedFrame, Frame
from trt_perception.pairing.paired_set import PairedSet
from trt_perception.ros.frame_passage import FramePassage
from trt_perception.ros.received_image import ReceivedImage

Decoder = Callable[[ReceivedImage, int], Frame | EncodedFrame]
"""Turns what was received into the frame for so many pipelines; raises FrameError."""


class ReceivedSet:
    """A paired set on its way through the worker. Its stamp, age and passage are the first image's.

    Args:
        paired: The images.
    """

    def __init__(self, paired: PairedSet[ReceivedImage]) -> None:
        self.images = paired.frames
        self._is_first_use = paired.is_first_use
        self._broken: int | None = None

    @property
    def stamp_ns(self) -> int:
        """The first image's."""
        return self.images[0].stamp_ns

    @property
    def passage(self) -> FramePassage:
        """The first image's."""
        return self.images[0].passage

    def decode(self, decoders: Sequence[Decoder]) -> tuple[Frame | EncodedFrame, ...]:
        """The frames. A compressed one is unpacked here, so that it is known which of them cannot be.

        Raises:
            FrameError: One cannot be used; that one's `drop` says so, the others' that they are unpaired.
        """
        frames = []
        for index, (decoder, image) in enumerate(zip(decoders, self.images, strict=True)):
            try:
                frames.append(decoder(image, len(self.images)))
            except FrameError:
                self._broken = index
                raise
        return tuple(frames)

    def drop(self, reason: DropReason, problem: str = "", *, started_ns: int = 0) -> None:
        """End all images that have not ended with an earlier set. The problem is told once, of the image at fault."""
        at_fault = self._broken or 0
        for index, image in enumerate(self.images):
            is_other = self._broken is not None and index != at_fault
            if self._is_first_use[index]:
                image.drop(
                    DropReason.UNPAIRED if is_other else reason,
                    problem if index == at_fault else "",
                    started_ns=started_ns,
                )
            elif index == at_fault and problem:
                image.journal.fault(reason.value, problem)

    def processed(self, *, now_ns: int, ros_now_ns: int, started_ns: int) -> None:
        """The set's results are published."""
        for image, is_first_use in zip(self.images, self._is_first_use, strict=True):
            if is_first_use:
                image.processed(now_ns=now_ns, ros_now_ns=ros_now_ns, started_ns=started_ns)
