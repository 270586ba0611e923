"""What the largest believed images take to decode: memory in proportion to the pixels; seconds, not minutes."""

from __future__ import annotations

import struct
import subprocess
import sys

import cv2
import pytest
from helpers.frames import encoded_frame, scene_image

from trt_perception.errors import DropReason, FrameError
from trt_perception.frame import MAX_SIDE_PX
from trt_perception.preprocess.decode_image import MAX_IMAGE_PX, decode_image
from trt_perception.preprocess.jpeg_header import MAX_SCANS

BYTES_PER_PX = 9
"""3 of the result, 6 of a progressive JPEG's coefficients."""
FIXED_BYTES = 64 * 2**20
"""What the decoder takes besides: tables, rows, buffers."""

_PROGRESSIVE = (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
_UNSAMPLED = (cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444)

# The child reads a file from its standard input and says how much its peak grew. Not ru_maxrss: Linux hands on to a new
# program the peak of the one that started it, and the tests' process is large by then.
CHILD = """
import sys
from trt_perception.errors import FrameError
from trt_perception.frame import EncodedFrame
from trt_perception.preprocess.decode_image import decode_image
import numpy as np
def peak():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
def decode(data):
    try:
        decode_image(EncodedFrame(camera="c", stamp_ns=0, frame_id="f", format="", data=np.frombuffer(data, np.uint8)))
    except FrameError:
        pass
small, large = sys.stdin.buffer.read().split(b"-- and then --")
decode(small)
before = peak()
decode(large)
print(peak() - before)
"""


def jpeg(*options: int) -> bytes:
    return bytes(cv2.imencode(".jpg", scene_image(16, 16), options)[1].tobytes())


def of_largest_size(data: bytes) -> bytes:
    """The file with the largest size in its header that is believed."""
    at = next(data.index(marker) for marker in (b"\xff\xc0", b"\xff\xc2") if marker in data) + 5
    return data[:at] + struct.pack(">HH", MAX_IMAGE_PX // MAX_SIDE_PX, MAX_SIDE_PX) + data[at + 4 :]


@pytest.mark.parametrize(
    "options",
    [
        pytest.param((), id="baseline"),
        pytest.param((*_PROGRESSIVE, *_UNSAMPLED), id="progressive"),
    ],
)
def test_a_bomb_takes_no_more_than_its_pixels(options: tuple[int, ...]) -> None:
    small = jpeg(*options)
    done = subprocess.run(
        [sys.executable, "-c", CHILD],
        input=small + b"-- and then --" + of_largest_size(small),
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert 3 * MAX_IMAGE_PX <= int(done.stdout) <= BYTES_PER_PX * MAX_IMAGE_PX + FIXED_BYTES


def test_more_scans_than_any_encoder_writes_are_refused() -> None:
    data = jpeg(*_PROGRESSIVE)
    start, end = data.rindex(b"\xff\xda"), data.rindex(b"\xff\xd9")
    last = data[start:end]
    own = data.count(b"\xff\xda")

    def with_scans(count: int) -> bytes:
        return data[:end] + last * (count - own) + data[end:]

    assert decode_image(encoded_frame(with_scans(MAX_SCANS))).width == 16
    with pytest.raises(FrameError, match="more than 100 scans") as caught:
        decode_image(encoded_frame(with_scans(MAX_SCANS + 1)))
    assert caught.value.reason is DropReason.CORRUPT_IMAGE
