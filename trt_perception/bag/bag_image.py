"""One image of a bag."""

from __future__ import annotations

from dataclasses import dataclass

from trt_perception.bag.bag_topic import BagMessage
from trt_perception.cdr.compressed_image_message import COMPRESSED_IMAGE_TYPE, parse_compressed_image
from trt_perception.cdr.header_bytes import read_stamp_ns
from trt_perception.cdr.image_message import IMAGE_TYPE, frame_from_image, parse_image
from trt_perception.errors import DropReason, FrameError
from trt_perception.frame import EncodedFrame, Frame


@dataclass(frozen=True, kw_only=True, eq=False)
class BagImage:
    """One message of a camera's image topic; whether it can be used shows when the frame is asked for.

    Args:
        camera: Name of the camera.
        message: The message.
    """

    camera: str
    message: BagMessage

    @property
    def stamp_ns(self) -> int | None:
        """Stamp of the header, nanoseconds; None where the message is too damaged to have one."""
        try:
            return read_stamp_ns(self.message.data)
        except FrameError:
            return None

    def frame(self) -> Frame | EncodedFrame:
        """The frame; its pixels are a view of the message.

        Raises:
            FrameError: The message cannot be used, with the reason to count it under.
        """
        kind = self.message.type_name
        if kind == IMAGE_TYPE:
            return frame_from_image(parse_image(self.message.data), self.camera)
        if kind == COMPRESSED_IMAGE_TYPE:
            return parse_compressed_image(self.message.data, self.camera)
        raise FrameError(DropReason.MALFORMED, f"{self.message.topic} holds {kind}, expected {IMAGE_TYPE}")
