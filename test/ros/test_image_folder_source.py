"""A folder of images as messages: cameras, order, times, bytes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from trt_perception.cdr.compressed_image_message import parse_compressed_image
from trt_perception.cdr.image_message import parse_image
from trt_perception.errors import InputError
from trt_perception.ros.image_folder_source import ImageFolderSource


def write(path: Path, level: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((6, 8, 3), level, np.uint8))
    return path


@pytest.mark.parametrize(
    ("files", "camera", "cameras"),
    [
        pytest.param(["CAM_FRONT.png", "back left (2).png"], "", ["CAM_FRONT", "back_left_2"], id="a_file_a_camera"),
        pytest.param(["front/0.png", "front/1.png", "back/0.png"], "", ["back", "front"], id="a_folder_a_camera"),
        pytest.param(["0.png", "1.png"], "front", ["front"], id="one_named_camera"),
        pytest.param(["0.png"], "", ["camera_0"], id="digit_first"),
    ],
)
def test_finds_the_cameras(files: list[str], camera: str, cameras: list[str], tmp_path: Path) -> None:
    for file in files:
        write(tmp_path / file, 10)
    assert list(ImageFolderSource(folder=tmp_path, camera=camera).frames) == cameras


def test_repeats_the_frames_in_order_at_the_rate(tmp_path: Path) -> None:
    files = [write(tmp_path / "front" / f"{index}.png", 40 * index) for index in range(3)]
    source = ImageFolderSource(folder=tmp_path, rate_hz=4.0, seconds=1.25)
    messages = list(source.messages())
    assert source.count == len(messages) == 5
    assert [message.log_time_ns for message in messages] == [0, 250_000_000, 500_000_000, 750_000_000, 1_000_000_000]
    assert {message.topic for message in messages} == {"front/image_raw/compressed"} == set(source.topics)
    for index, message in enumerate(messages):
        frame = parse_compressed_image(message.data, "front")
        assert frame.data.tobytes() == files[index % 3].read_bytes()
        assert frame.frame_id == "front_optical"


def test_sends_decoded_pixels_where_raw_is_asked_for(tmp_path: Path) -> None:
    file = write(tmp_path / "front.png", 77)
    source = ImageFolderSource(folder=tmp_path, raw=True, seconds=0.1)
    (message,) = source.messages()
    image = parse_image(message.data)
    assert (message.topic, message.type_name) == ("front/image_raw", "sensor_msgs/msg/Image")
    assert (image.encoding, image.width, image.height, image.step) == ("bgr8", 8, 6, 24)
    assert np.array_equal(image.data.reshape(6, 8, 3), cv2.imread(str(file)))


@pytest.mark.parametrize("name", ["absent", "empty"])
def test_refuses_a_folder_without_images(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=name):
        _ = ImageFolderSource(folder=tmp_path / name).frames
