"""The middleware's own serialization reads what we write, and we read what it writes."""

import array
from typing import Any

import numpy as np
import pytest

from trt_perception import Detections
from trt_perception.cdr import (
    DetectionArrayEncoder,
    decode_detection_array,
    encode_compressed_image,
    encode_image,
    parse_compressed_image,
    parse_image,
)

serialization = pytest.importorskip("rclpy.serialization", reason="rclpy is not installed")
sensor_msgs = pytest.importorskip("sensor_msgs.msg", reason="sensor_msgs is not installed")

# The message packages import lark, which still imports these modules of the standard library.
pytestmark = pytest.mark.filterwarnings("ignore:module 'sre_:DeprecationWarning")

IMAGE = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)


def fill_header(message: Any) -> None:
    message.header.stamp.sec = -3
    message.header.stamp.nanosec = 999_999_999
    message.header.frame_id = "front_optical"


STAMP_NS = -3 * 10**9 + 999_999_999


def test_parses_an_image() -> None:
    message = sensor_msgs.Image(height=2, width=3, encoding="bgr8", step=9, data=array.array("B", IMAGE.tobytes()))
    fill_header(message)
    parsed = parse_image(serialization.serialize_message(message))
    assert (parsed.stamp_ns, parsed.frame_id, parsed.encoding, parsed.step) == (STAMP_NS, "front_optical", "bgr8", 9)
    np.testing.assert_array_equal(parsed.data.reshape(2, 3, 3), IMAGE)


def test_its_image_equals_ours() -> None:
    data = encode_image(IMAGE, stamp_ns=STAMP_NS, frame_id="front_optical", encoding="bgr8")
    message = serialization.deserialize_message(data, sensor_msgs.Image)
    assert (message.header.stamp.sec, message.header.stamp.nanosec) == (-3, 999_999_999)
    assert (message.header.frame_id, message.height, message.width, message.step) == ("front_optical", 2, 3, 9)
    assert bytes(message.data) == IMAGE.tobytes()


def test_compressed_images_both_ways() -> None:
    message = sensor_msgs.CompressedImage(format="jpeg", data=array.array("B", b"abc"))
    fill_header(message)
    frame = parse_compressed_image(serialization.serialize_message(message), "front")
    assert (frame.stamp_ns, frame.format, frame.data.tobytes()) == (STAMP_NS, "jpeg", b"abc")
    data = encode_compressed_image(b"abc", stamp_ns=STAMP_NS, frame_id="front_optical", format="jpeg")
    assert serialization.deserialize_message(data, sensor_msgs.CompressedImage) == message


def test_detections_equal_fresh_message_objects() -> None:
    vision_msgs = pytest.importorskip("vision_msgs.msg", reason="vision_msgs is not built or installed")
    boxes = Detections(
        boxes=np.array([[1, 2, 5, 10], [3, 3, 4, 4]], np.float32),
        scores=np.array([0.5, 0.25], np.float32),
        class_ids=np.array([1, 0], np.int32),
    )
    data = DetectionArrayEncoder(["car", "bus"]).encode(boxes, stamp_ns=STAMP_NS, frame_id="front_optical")
    expected = vision_msgs.Detection2DArray()
    fill_header(expected)
    for x, y, width, height, score, label in ((3.0, 6.0, 4.0, 8.0, 0.5, "bus"), (3.5, 3.5, 1.0, 1.0, 0.25, "car")):
        detection = vision_msgs.Detection2D(header=expected.header)
        result = vision_msgs.ObjectHypothesisWithPose()
        result.hypothesis.class_id, result.hypothesis.score = label, score
        detection.results.append(result)
        detection.bbox.center.position.x, detection.bbox.center.position.y = x, y
        detection.bbox.size_x, detection.bbox.size_y = width, height
        expected.detections.append(detection)
    assert serialization.deserialize_message(data, vision_msgs.Detection2DArray) == expected
    assert len(decode_detection_array(serialization.serialize_message(expected)).detections) == 2
