"""One image message between the executor thread, which received it, and the worker, which uses it."""

from __future__ import annotations

from dataclasses import dataclass, field

from trt_perception.cdr.image_message import ImageMessage
from trt_perception.frame import EncodedFrame, Frame
from trt_perception.ros.frame_passage import FramePassage


@dataclass(frozen=True)
class ReceivedImage:
    """One received message.

    Args:
        stamp_ns: The header's stamp.
        age_is_known: Whether the node's clock minus the stamp is an age.
        content: The frame; compressed, or with an encoding that only cv_bridge converts, as the message has it.
        data: The serialized message, which `content` is a view of; in a ring its slot is free once nothing views it.
        passage: When it came, and the how-manieth of its camera it is.
    """

    stamp_ns: int
    age_is_known: bool
    content: Frame | EncodedFrame | ImageMessage
    data: bytes | memoryview = field(repr=False)
    passage: FramePassage
