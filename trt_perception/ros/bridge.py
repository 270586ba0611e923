"""Encodings that the package does not know, through cv_bridge where it is installed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import Image

from trt_perception.encoding import Encoding
from trt_perception.errors import DropReason, FrameError
from trt_perception.frame import Frame


def make_bridge() -> Callable[[bytes, str], Frame] | None:
    """A converter from a serialized sensor_msgs/Image and a camera's name to a bgr8 frame; None without cv_bridge.

    The converter raises FrameError (unknown_encoding) for what cv_bridge does not convert either.
    """
    try:
        from cv_bridge import CvBridge
    except ImportError:
        return None
    bridge = CvBridge()

    def convert(data: bytes, camera: str) -> Frame:
        message = deserialize_message(data, Image)
        try:
            image = np.ascontiguousarray(bridge.imgmsg_to_cv2(message, desired_encoding="bgr8"))
        except Exception as error:  # CvBridgeError, cv2.error or RuntimeError, as the version has it
            raise FrameError(
                DropReason.UNKNOWN_ENCODING, f"cv_bridge does not convert {message.encoding!r}: {error}"
            ) from error
        height, width = image.shape[:2]
        return Frame(
            camera=camera,
            stamp_ns=message.header.stamp.sec * 1_000_000_000 + message.header.stamp.nanosec,
            frame_id=message.header.frame_id,
            encoding=Encoding.BGR8,
            width=width,
            height=height,
            step=3 * width,
            data=image.reshape(-1),
        )

    return convert
