"""CameraInfo, transforms, clock, VisionInfo and LabelInfo: what rosbags reads and writes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from helpers.reference_types import reference_header, reference_types
from hypothesis import given
from hypothesis import strategies as st

from trt_perception import FrameError
from trt_perception.cdr import (
    CameraInfoMessage,
    LabelInfoMessage,
    TransformRecord,
    VisionInfoMessage,
    decode_camera_info,
    decode_clock,
    decode_label_info,
    decode_string,
    decode_transforms,
    decode_vision_info,
    encode_camera_info,
    encode_clock,
    encode_label_info,
    encode_string,
    encode_transforms,
    encode_vision_info,
)
from trt_perception.cdr.header_bytes import message_start, read_stamp_ns

STORE = reference_types()
TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12)
STAMPS = st.integers(-(2**31) * 10**9, (2**31 - 1) * 10**9)
NUMBERS = st.floats(-1e6, 1e6)
POSITIVE = st.integers(0, 2**32 - 1)


def through_rosbags(data: bytes, type_name: str) -> tuple[Any, bytes]:
    """The message as rosbags reads it, and as it writes it again."""
    message = STORE.deserialize_cdr(data, type_name)
    return message, bytes(STORE.serialize_cdr(message, type_name))


@given(
    stamp_ns=STAMPS,
    frame_id=TEXTS,
    size=st.tuples(POSITIVE, POSITIVE),
    model=TEXTS,
    distortion=st.lists(NUMBERS, max_size=8),
)
def test_camera_info(stamp_ns: int, frame_id: str, size: tuple[int, int], model: str, distortion: list[float]) -> None:
    sent = CameraInfoMessage(
        stamp_ns=stamp_ns,
        frame_id=frame_id,
        height=size[0],
        width=size[1],
        distortion_model=model,
        distortion=np.array(distortion, dtype=np.float64),
        intrinsics=np.arange(9.0).reshape(3, 3),
        rectification=np.eye(3),
        projection=np.arange(12.0).reshape(3, 4) + 100,
    )
    message, data = through_rosbags(encode_camera_info(sent), "sensor_msgs/msg/CameraInfo")
    assert (message.header.frame_id, message.height, message.width, message.distortion_model) == (
        frame_id,
        *size,
        model,
    )
    np.testing.assert_array_equal(message.d, distortion)
    np.testing.assert_array_equal(message.k, np.arange(9.0))
    np.testing.assert_array_equal(message.p, np.arange(12.0) + 100)
    assert (message.binning_x, message.roi.do_rectify) == (0, False)
    received = decode_camera_info(data)
    for name in ("distortion", "intrinsics", "rectification", "projection"):
        np.testing.assert_array_equal(getattr(received, name), getattr(sent, name))
    for name in ("stamp_ns", "frame_id", "height", "width", "distortion_model"):
        assert getattr(received, name) == getattr(sent, name)


TRANSFORMS = st.builds(
    TransformRecord,
    stamp_ns=STAMPS,
    frame_id=TEXTS,
    child_frame_id=TEXTS,
    translation=st.tuples(NUMBERS, NUMBERS, NUMBERS),
    rotation=st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS),
)


@given(transforms=st.lists(TRANSFORMS, max_size=4).map(tuple))
def test_transforms(transforms: tuple[TransformRecord, ...]) -> None:
    message, data = through_rosbags(encode_transforms(transforms), "tf2_msgs/msg/TFMessage")
    for read, sent in zip(message.transforms, transforms, strict=True):
        assert (read.header.frame_id, read.child_frame_id) == (sent.frame_id, sent.child_frame_id)
        translation, rotation = read.transform.translation, read.transform.rotation
        assert (translation.x, translation.y, translation.z) == sent.translation
        assert (rotation.x, rotation.y, rotation.z, rotation.w) == sent.rotation
    assert decode_transforms(data) == transforms


@given(stamp_ns=STAMPS)
def test_clock(stamp_ns: int) -> None:
    message, data = through_rosbags(encode_clock(stamp_ns), "rosgraph_msgs/msg/Clock")
    assert (message.clock.sec, message.clock.nanosec) == divmod(stamp_ns, 10**9)
    assert decode_clock(data) == stamp_ns


@given(text=TEXTS)
def test_string(text: str) -> None:
    message, data = through_rosbags(encode_string(text), "std_msgs/msg/String")
    assert message.data == text
    assert decode_string(data) == text


@given(stamp_ns=STAMPS, frame_id=TEXTS)
def test_the_stamp_of_any_stamped_message_is_read(stamp_ns: int, frame_id: str) -> None:
    start = message_start(stamp_ns, frame_id)
    assert read_stamp_ns(start) == stamp_ns
    with pytest.raises(FrameError, match="big-endian"):
        read_stamp_ns(b"\0\0" + start[2:])
    with pytest.raises(FrameError, match="11 bytes"):
        read_stamp_ns(start[:11])


@given(stamp_ns=STAMPS, texts=st.tuples(TEXTS, TEXTS, TEXTS), version=st.integers(-(2**31), 2**31 - 1))
def test_vision_info(stamp_ns: int, texts: tuple[str, str, str], version: int) -> None:
    sent = VisionInfoMessage(
        stamp_ns=stamp_ns, frame_id=texts[0], method=texts[1], database_location=texts[2], database_version=version
    )
    message, data = through_rosbags(encode_vision_info(sent), "vision_msgs/msg/VisionInfo")
    assert (message.method, message.database_location, message.database_version) == (*texts[1:], version)
    assert decode_vision_info(data) == sent


@given(stamp_ns=STAMPS, frame_id=TEXTS, class_map=st.dictionaries(st.integers(0, 65535), TEXTS, max_size=5))
def test_label_info(stamp_ns: int, frame_id: str, class_map: dict[int, str]) -> None:
    sent = LabelInfoMessage(stamp_ns=stamp_ns, frame_id=frame_id, class_map=class_map, threshold=0.25)
    message, data = through_rosbags(encode_label_info(sent), "vision_msgs/msg/LabelInfo")
    assert {entry.class_id: entry.class_name for entry in message.class_map} == class_map
    assert message.threshold == 0.25
    assert decode_label_info(data) == sent


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda: encode_clock(2**63), id="stamp"),
        pytest.param(
            lambda: encode_label_info(LabelInfoMessage(stamp_ns=0, frame_id="", class_map={65536: "x"}, threshold=0.0)),
            id="class_id",
        ),
    ],
)
def test_a_number_that_does_not_fit_its_field_is_refused(write: Callable[[], bytes]) -> None:
    with pytest.raises(ValueError, match=r"does not fit|int32"):
        write()


def test_camera_info_as_a_driver_with_binning_sends_it_is_read() -> None:
    types = STORE.types
    message = types["sensor_msgs/msg/CameraInfo"](
        header=reference_header(STORE, 1, 2, "f"),
        height=4,
        width=8,
        distortion_model="plumb_bob",
        d=np.zeros(5),
        k=np.ones(9),
        r=np.ones(9),
        p=np.ones(12),
        binning_x=2,
        binning_y=2,
        roi=types["sensor_msgs/msg/RegionOfInterest"](x_offset=1, y_offset=1, height=2, width=2, do_rectify=True),
    )
    data = bytes(STORE.serialize_cdr(message, "sensor_msgs/msg/CameraInfo"))
    assert decode_camera_info(data).width == 8
    with pytest.raises(FrameError):
        decode_camera_info(data[:100])
