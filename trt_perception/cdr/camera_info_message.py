"""sensor_msgs/msg/CameraInfo: how a camera sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trt_perception.cdr.cdr_reader import CdrReader
from trt_perception.cdr.cdr_writer import CdrWriter

CAMERA_INFO_TYPE = "sensor_msgs/msg/CameraInfo"

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class CameraInfoMessage:
    """One CameraInfo message; binning and region of interest are those of the full image.

    Args:
        stamp_ns: Stamp of the header, nanoseconds.
        frame_id: Optical frame of the camera.
        height: Image height, px.
        width: Image width, px.
        distortion_model: e.g. ``plumb_bob``.
        distortion: float64 (n,), D.
        intrinsics: float64 (3, 3), K.
        rectification: float64 (3, 3), R.
        projection: float64 (3, 4), P.
    """

    stamp_ns: int
    frame_id: str
    height: int
    width: int
    distortion_model: str
    distortion: Array
    intrinsics: Array
    rectification: Array
    projection: Array


def decode_camera_info(data: bytes | memoryview) -> CameraInfoMessage:
    """Reads a CameraInfo message.

    Raises:
        FrameError: malformed or big_endian.
    """
    reader = CdrReader(CAMERA_INFO_TYPE, data)
    stamp_ns, frame_id = reader.header()
    return CameraInfoMessage(
        stamp_ns=stamp_ns,
        frame_id=frame_id,
        height=reader.integer("I"),
        width=reader.integer("I"),
        distortion_model=reader.text(),
        distortion=reader.doubles(reader.count(8)),
        intrinsics=reader.doubles(9).reshape(3, 3),
        rectification=reader.doubles(9).reshape(3, 3),
        projection=reader.doubles(12).reshape(3, 4),
    )


def encode_camera_info(message: CameraInfoMessage) -> bytes:
    """Writes a CameraInfo message.

    Raises:
        ValueError: A stamp that does not fit a Time message.
    """
    writer = CdrWriter()
    writer.header(message.stamp_ns, message.frame_id)
    writer.number("I", message.height)
    writer.number("I", message.width)
    writer.text(message.distortion_model)
    writer.number("I", message.distortion.size)
    for matrix in (message.distortion, message.intrinsics, message.rectification, message.projection):
        writer.doubles(matrix)
    for _ in range(6):  # binning x y, region of interest x y height width: the full image
        writer.number("I", 0)
    writer.number("B", 0)  # region of interest: do_rectify
    return writer.message()
