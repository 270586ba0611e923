"""Whatever bytes come: a message, or a FrameError, and no memory beyond the message's own order of size."""

import tracemalloc
from collections.abc import Callable
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trt_perception import Detections, FrameError
from trt_perception.cdr import (
    CameraInfoMessage,
    DetectionArrayEncoder,
    LabelInfoMessage,
    TransformRecord,
    VisionInfoMessage,
    decode_camera_info,
    decode_clock,
    decode_detection_array,
    decode_label_info,
    decode_transforms,
    decode_vision_info,
    encode_camera_info,
    encode_clock,
    encode_compressed_image,
    encode_image,
    encode_label_info,
    encode_transforms,
    encode_vision_info,
    frame_from_image,
    parse_compressed_image,
    parse_image,
)

Reader = Callable[[bytes], object]

MAX_BYTES = 100_000
"""The messages here have at most 2 kB."""

READERS: dict[str, Reader] = {
    "image": lambda data: frame_from_image(parse_image(data), "front"),
    "compressed_image": lambda data: parse_compressed_image(data, "front"),
    "detections": decode_detection_array,
    "camera_info": decode_camera_info,
    "transforms": decode_transforms,
    "clock": decode_clock,
    "vision_info": decode_vision_info,
    "label_info": decode_label_info,
}

_BOXES = Detections(boxes=np.ones((3, 4), np.float32), scores=np.ones(3, np.float32), class_ids=np.zeros(3, np.int32))

VALID: dict[str, bytes] = {
    "image": encode_image(np.zeros((4, 6, 3), np.uint8), stamp_ns=1, frame_id="front_optical", encoding="bgr8"),
    "compressed_image": encode_compressed_image(b"0123456789", stamp_ns=1, frame_id="front_optical", format="jpeg"),
    "detections": DetectionArrayEncoder(["car"]).encode(_BOXES, stamp_ns=1, frame_id="front_optical"),
    "camera_info": encode_camera_info(
        CameraInfoMessage(
            stamp_ns=1,
            frame_id="front_optical",
            height=4,
            width=6,
            distortion_model="plumb_bob",
            distortion=np.zeros(5),
            intrinsics=np.eye(3),
            rectification=np.eye(3),
            projection=np.eye(3, 4),
        )
    ),
    "transforms": encode_transforms(
        [TransformRecord(stamp_ns=1, frame_id="a", child_frame_id="b", translation=(1, 2, 3), rotation=(0, 0, 0, 1))]
        * 3
    ),
    "clock": encode_clock(12345),
    "vision_info": encode_vision_info(
        VisionInfoMessage(stamp_ns=1, frame_id="f", method="yolox", database_location="here", database_version=1)
    ),
    "label_info": encode_label_info(
        LabelInfoMessage(stamp_ns=1, frame_id="f", class_map={0: "car", 1: "bus"}, threshold=0.5)
    ),
}


def read(name: str, data: bytes) -> bool:
    """Whether the reader took the bytes; anything but a FrameError comes through, and so does a hunger for memory."""
    tracemalloc.start()
    try:
        READERS[name](data)
    except FrameError:
        return False
    else:
        return True
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < MAX_BYTES, peak


@pytest.mark.parametrize("name", sorted(READERS))
def test_an_undamaged_message_is_read(name: str) -> None:
    assert read(name, VALID[name])


@pytest.mark.parametrize("name", sorted(READERS))
@given(data=st.binary(max_size=200), valid_start=st.booleans())
def test_arbitrary_bytes(name: str, data: bytes, valid_start: bool) -> None:
    read(name, b"\x00\x01\x00\x00" * valid_start + data)


@pytest.mark.parametrize("name", sorted(READERS))
def test_flipped_bytes(name: str) -> None:
    random = Random(11)
    refused = 0
    for _ in range(400):
        data = bytearray(VALID[name])
        for _ in range(random.choice((1, 1, 2, 8))):
            data[random.randrange(len(data))] = random.choice((0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)))
        refused += not read(name, bytes(data))
    assert refused > 0


@pytest.mark.parametrize("name", sorted(READERS))
def test_every_truncation(name: str) -> None:
    data = VALID[name]
    unread = 25 if name == "camera_info" else 0  # binning and region of interest are not needed
    taken = [size for size in range(len(data)) if read(name, data[:size])]
    assert taken == list(range(len(data) - unread, len(data)))


@pytest.mark.parametrize("name", ["detections", "transforms", "label_info"])
@pytest.mark.parametrize("count", [2**32 - 1, 2**31, 10**6])
def test_a_sequence_longer_than_the_message(name: str, count: int) -> None:
    offset = {"detections": 32, "transforms": 4, "label_info": 20}[name]
    data = bytearray(VALID[name])
    assert data[offset] in (2, 3)
    data[offset : offset + 4] = count.to_bytes(4, "little")
    assert not read(name, bytes(data))
