"""Quaternions of rotation matrices, judged by OpenCV's rotation vectors."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trt_perception.demo.drive_transforms import quaternion, transform_record

ANGLES = st.floats(-math.pi, math.pi)
AXES = st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda axis: np.linalg.norm(axis) > 0.1)


@given(axis=AXES, angle=ANGLES)
def test_turns_about_any_axis(axis: tuple[float, float, float], angle: float) -> None:
    unit = np.array(axis) / np.linalg.norm(axis)
    matrix, _ = cv2.Rodrigues(unit * angle)
    expected = np.append(unit * math.sin(angle / 2), math.cos(angle / 2))
    found = np.array(quaternion(matrix))
    assert abs(abs(found @ expected) - 1.0) < 1e-9
    assert abs(np.linalg.norm(found) - 1.0) < 1e-12
    assert found[3] >= 0.0


@pytest.mark.parametrize("axis", range(3))
def test_half_turns(axis: int) -> None:
    matrix = -np.eye(3)
    matrix[axis, axis] = 1.0
    expected = [0.0] * 4
    expected[axis] = 1.0
    np.testing.assert_allclose(np.abs(quaternion(matrix)), expected, atol=1e-12)


def test_a_record_holds_the_pose() -> None:
    matrix = np.eye(4)
    matrix[:3, 3] = 1, 2, 3
    record = transform_record(matrix, parent="map", child="base_link", stamp_ns=5)
    assert (record.frame_id, record.child_frame_id, record.stamp_ns) == ("map", "base_link", 5)
    assert (record.translation, record.rotation) == ((1.0, 2.0, 3.0), (0.0, 0.0, 0.0, 1.0))
