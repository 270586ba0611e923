"""Long messages of the smallest elements, and long texts, stay within the bound that short ones are held to."""

from __future__ import annotations

import tracemalloc
from contextlib import suppress

import numpy as np
import pytest
from helpers.cdr_messages import READERS

from trt_perception.cdr import (
    DetectionArrayMessage,
    DetectionRecord,
    LabelInfoMessage,
    TransformRecord,
    encode_detection_array,
    encode_image,
    encode_label_info,
    encode_transforms,
)
from trt_perception.cdr.wire import MAX_TEXT_BYTES
from trt_perception.errors import FrameError

COUNT = 5000
FIXED_BYTES = 16 * 1024
FACTOR = 16

_SMALLEST = DetectionRecord(stamp_ns=0, frame_id="", results=(), center_x=0, center_y=0, size_x=0, size_y=0)
_TRANSFORM = TransformRecord(stamp_ns=0, frame_id="", child_frame_id="", translation=(0, 0, 0), rotation=(0, 0, 0, 1))

MESSAGES = {
    "detections": encode_detection_array(
        DetectionArrayMessage(stamp_ns=0, frame_id="", detections=(_SMALLEST,) * COUNT)
    ),
    "transforms": encode_transforms((_TRANSFORM,) * COUNT),
    "label_info": encode_label_info(
        LabelInfoMessage(stamp_ns=0, frame_id="", class_map=dict.fromkeys(range(COUNT), "x"), threshold=0)
    ),
}
MESSAGES["true_objects"] = MESSAGES["detections"]


def peak_of(name: str, message: bytes) -> int:
    """Most memory that reading takes, whether the message is taken or refused."""
    tracemalloc.start()
    try:
        with suppress(FrameError):
            READERS[name](message)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("letter", ["x", "\N{GRINNING FACE}", "\0"], ids=["latin", "wide", "escaped"])
def test_an_image_with_long_texts(letter: str) -> None:
    texts = "x" + letter * ((MAX_TEXT_BYTES - 2) // len(letter.encode()))
    message = encode_image(np.zeros((1000, 1000), np.uint8), stamp_ns=0, frame_id=texts, encoding=texts)
    assert MAX_TEXT_BYTES < peak_of("image", message) <= FIXED_BYTES + FACTOR * 2 * MAX_TEXT_BYTES


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_many_small_elements(name: str) -> None:
    assert peak_of(name, MESSAGES[name]) <= FIXED_BYTES + FACTOR * len(MESSAGES[name])
