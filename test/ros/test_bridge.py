"""Unknown encodings through cv_bridge: with a stand-in, as the real one is part of a ROS distribution."""

from __future__ import annotations

import sys
import types
from typing import Any

import numpy as np
import pytest

from trt_perception.cdr.image_message import encode_image
from trt_perception.encoding import Encoding
from trt_perception.errors import DropReason, FrameError

pytest.importorskip("rclpy", reason="ROS is not here")

from trt_perception.ros.bridge import make_bridge


class CvBridge:
    """Converts 'grey2x', in which a pixel is two equal bytes, and refuses all else as the real one does."""

    def imgmsg_to_cv2(self, message: Any, desired_encoding: str) -> np.ndarray[Any, Any]:
        assert desired_encoding == "bgr8"
        if message.encoding != "grey2x":
            raise RuntimeError(f"Unrecognized image encoding [{message.encoding}]")
        grey = np.frombuffer(message.data, np.uint8).reshape(message.height, message.width, 2)[..., :1]
        return np.repeat(grey, 3, axis=2)


@pytest.fixture
def _cv_bridge(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("cv_bridge")
    module.CvBridge = CvBridge  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "cv_bridge", module)


def test_without_cv_bridge_there_is_no_bridge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv_bridge", None)
    assert make_bridge() is None


@pytest.mark.usefixtures("_cv_bridge")
def test_an_image_becomes_a_bgr_frame_under_its_own_header() -> None:
    bridge = make_bridge()
    assert bridge is not None
    image = np.arange(24, dtype=np.uint8).reshape(3, 4, 2)
    data = encode_image(image, stamp_ns=1_700_000_000_123_456_789, frame_id="optical", encoding="grey2x")
    frame = bridge(data, "front")
    assert (frame.camera, frame.stamp_ns, frame.frame_id) == ("front", 1_700_000_000_123_456_789, "optical")
    assert (frame.width, frame.height, frame.encoding) == (4, 3, Encoding.BGR8)
    assert frame.data.reshape(3, 4, 3)[..., 2].tolist() == image[..., 0].tolist()


@pytest.mark.usefixtures("_cv_bridge")
def test_what_cv_bridge_does_not_convert_either_is_named() -> None:
    bridge = make_bridge()
    assert bridge is not None
    data = encode_image(np.zeros((2, 2, 2), np.uint8), stamp_ns=1, frame_id="", encoding="xyz9")
    with pytest.raises(FrameError, match=r"cv_bridge does not convert 'xyz9'") as caught:
        bridge(data, "front")
    assert caught.value.reason is DropReason.UNKNOWN_ENCODING
