"""Which topics are cameras, and what the cameras are called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trt_perception.bag.bag_topic import BagTopic
from trt_perception.bag.camera_topics import CameraTopics, camera_topics
from trt_perception.cdr import CAMERA_INFO_TYPE, COMPRESSED_IMAGE_TYPE, IMAGE_TYPE
from trt_perception.settings.camera_settings import CameraSettings, Transport

RAW, JPEG = IMAGE_TYPE, COMPRESSED_IMAGE_TYPE


def topics(**types: str) -> list[BagTopic]:
    return [BagTopic(name=name, type_name=kind, message_count=1) for name, kind in types.items()]


CASES = {
    "ours": (
        {"/front/image_raw": RAW, "/front/camera_info": CAMERA_INFO_TYPE, "/left/image_raw/compressed": JPEG},
        {"front": "/front/image_raw", "left": "/left/image_raw/compressed"},
    ),
    "raw_before_compressed": (
        {"/front/image_raw/compressed": JPEG, "/front/image_raw": RAW},
        {"front": "/front/image_raw"},
    ),
    "raw_before_rectified": ({"/front/image_rect": RAW, "/front/image_raw": RAW}, {"front": "/front/image_raw"}),
    "autoware": (
        {f"/sensing/camera/camera{i}/image_rect_color/compressed": JPEG for i in (0, 1)},
        {f"camera{i}": f"/sensing/camera/camera{i}/image_rect_color/compressed" for i in (0, 1)},
    ),
    "realsense": (
        {"/a/color/image_raw": RAW, "/b/color/image_raw": RAW, "/a/depth/image_raw/compressedDepth": JPEG},
        {"a_color": "/a/color/image_raw", "b_color": "/b/color/image_raw"},
    ),
    "results_are_no_cameras": (
        {"/front/segmentation": RAW, "/front/debug_image": RAW, "/front/ground_truth/segmentation": RAW},
        {},
    ),
    "no_namespace": ({"/image_raw": RAW}, {"camera": "/image_raw"}),
    "starts_with_a_digit": ({"/0/image": RAW}, {"camera_0": "/0/image"}),
    "different_only_in_signs": (
        {"/a_b/image": RAW, "/a/b/image": RAW},
        {"a_b": "/a_b/image", "b": "/a/b/image"},
    ),
    "theora": ({"/front/image_raw/theora": "theora_image_transport/msg/Packet"}, {}),
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_cameras_of_a_bag(name: str) -> None:
    types, cameras = CASES[name]
    assert camera_topics(topics(**types)) == cameras


PARTS = st.text("ab0_", min_size=1, max_size=3).filter(lambda part: part.strip("_"))


@given(names=st.sets(st.lists(PARTS, min_size=1, max_size=3).map("/".join), max_size=6))
def test_every_topic_has_a_camera_of_its_own(names: set[str]) -> None:
    found = camera_topics(topics(**{f"/{name}/image_raw": RAW for name in names}))
    assert sorted(found.values()) == sorted(f"/{name}/image_raw" for name in names)


def test_names_are_those_of_the_node() -> None:
    ours = CameraTopics(camera="front")
    assert ours.image == "/" + CameraSettings(name="front").image_topic
    assert ours.compressed_image == "/" + CameraSettings(name="front", transport=Transport.COMPRESSED).image_topic
