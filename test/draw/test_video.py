"""The video plays: its frames come back, in order and in colour."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from trt_perception.draw.video import write_video
from trt_perception.errors import InputError

pytest.importorskip("imageio_ffmpeg", reason="imageio-ffmpeg is not installed")

COLOURS = [(200, 40, 40), (40, 200, 40), (40, 40, 200)]


def test_writes_h264_that_opencv_reads_back(tmp_path: Path) -> None:
    images = [np.full((65, 97, 3), colour, np.uint8) for colour in COLOURS]
    path = tmp_path / "video.mp4"
    assert write_video(path, images, fps=4.0) == 3
    assert b"avc1" in path.read_bytes()
    video = cv2.VideoCapture(str(path))
    assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(4.0)
    for colour in COLOURS:
        read, frame = video.read()
        assert read
        assert frame.shape == (64, 96, 3)
        assert np.abs(frame.reshape(-1, 3).mean(axis=0) - colour).max() < 12
    assert not video.read()[0]
    video.release()


def test_refuses_a_video_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least one image"):
        write_video(tmp_path / "video.mp4", [], fps=4.0)
