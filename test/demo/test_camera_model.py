"""Cameras project as OpenCV does, and sit and look where the ring says."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from trt_perception.demo import Drive, DriveOptions
from trt_perception.demo.camera_ring import camera_ring, thermal_ring

LENSES = {"pinhole": (0.0,) * 5, "barrel": (-0.22, 0.05, 0.001, -0.002, 0.003)}


@pytest.mark.parametrize("lens", LENSES)
@settings(max_examples=40, deadline=None)
@given(
    data=arrays(np.float64, (6, 3), elements=st.floats(-8.0, 8.0)),
    seed=st.integers(0, 50),
    number=st.integers(0, 7),
)
def test_projects_as_opencv_does(lens: str, data: np.ndarray, seed: int, number: int) -> None:
    camera = list(camera_ring(DriveOptions(seed=seed, cameras=8, distortion=LENSES[lens])).values())[number]
    optical = data * [0.6, 0.6, 0.0] + [0.0, 0.0, 9.0]
    body = optical @ camera.rotation.T + camera.translation
    pixels, depth = camera.project(body)
    rotation = np.linalg.inv(camera.extrinsics)
    vector = cv2.Rodrigues(rotation[:3, :3])[0]
    expected = cv2.projectPoints(body, vector, rotation[:3, 3], camera.intrinsics, camera.distortion)[0][:, 0]
    np.testing.assert_allclose(pixels, expected, atol=1e-6)
    np.testing.assert_allclose(depth, 9.0)


def test_ring_has_its_names_in_order_and_looks_where_they_say() -> None:
    cameras = Drive(options=DriveOptions(seed=4, cameras=8)).cameras
    assert list(cameras) == ["front", "front_left", "front_right", "back", "back_left", "back_right", "left", "right"]
    yaw = {name: np.degrees(np.arctan2(*camera.rotation[[1, 0], 2])) for name, camera in cameras.items()}
    assert abs(yaw["front"]) < 2.0
    assert abs(yaw["back"]) > 178.0
    assert all(value > 0 for name, value in yaw.items() if name.endswith("left"))
    assert all(value < 0 for name, value in yaw.items() if name.endswith("right"))
    assert all(camera.frame_id == f"{name}_optical" for name, camera in cameras.items())
    for camera in cameras.values():
        np.testing.assert_allclose(camera.rotation @ camera.rotation.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(camera.rotation) == pytest.approx(1.0)


def test_fewer_cameras_are_the_first_of_the_ring() -> None:
    full, three = camera_ring(DriveOptions(cameras=8)), camera_ring(DriveOptions(cameras=3))
    for name, camera in three.items():
        np.testing.assert_array_equal(camera.extrinsics, full[name].extrinsics)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_thermal_camera_is_8_cm_beside_and_turned_by_at_most_half_a_degree(seed: int) -> None:
    options = DriveOptions(seed=seed)
    ring = camera_ring(options)
    for name, thermal in thermal_ring(options, ring).items():
        camera = ring[name]
        np.testing.assert_allclose(camera.to_optical(thermal.translation[None])[0], [0.08, 0.0, 0.0], atol=1e-12)
        between = camera.rotation.T @ thermal.rotation
        assert 0.0 < np.degrees(np.arccos((np.trace(between) - 1.0) / 2.0)) <= 0.5
        far = camera.translation + camera.rotation @ np.array([0.0, 0.0, 1.0e4])
        moved = thermal.project(far[None])[0][0] - camera.project(far[None])[0][0]
        aside = np.linalg.inv(between)[:2, 2] * camera.intrinsics[0, 0]
        np.testing.assert_allclose(moved, aside, atol=0.05)
        assert np.hypot(*moved) < 8.0
