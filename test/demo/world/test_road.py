"""The road is smooth and measured by its own length; its users move by closed formulas."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trt_perception.demo.world.motion import Motion, MotionTable
from trt_perception.demo.world.road import Road
from trt_perception.demo.world.world import World


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_road_is_measured_by_arc_length_and_bends_gently(seed: int) -> None:
    road = Road(seed, start_m=-100.0, end_m=300.0)
    s = np.arange(-100.0, 300.0, 0.5)
    points = road.points(s, np.zeros(len(s)))
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    np.testing.assert_allclose(steps, 0.5, rtol=2e-3)
    curvature = np.abs(np.diff(road.heading(s))) / 0.5
    assert curvature.max() < 1.0 / 90.0
    np.testing.assert_allclose(road.points(np.zeros(1), np.zeros(1)), [[0.0, 0.0]], atol=1e-9)
    assert road.heading(np.zeros(1))[0] == 0.0


def test_offset_is_to_the_left() -> None:
    road = Road(3, start_m=-50.0, end_m=50.0)
    np.testing.assert_allclose(road.points(np.zeros(1), np.array([2.0])), [[0.0, 2.0]], atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(start=st.floats(-5.0, 5.0), speed=st.floats(0.3, 2.0), time_s=st.floats(0.0, 500.0))
def test_who_crosses_walks_to_and_fro_between_the_kerbs(start: float, speed: float, time_s: float) -> None:
    table = MotionTable([Motion(class_id=3, s=7.0, d=start, cross_speed=speed, cross_reach=5.0)])
    s, d, turn = table.at(time_s)
    assert s[0] == 7.0
    assert abs(d[0]) <= 5.0 + 1e-9
    later = table.at(time_s + 1e-3)[1]
    if abs(d[0]) < 4.9:
        assert (later[0] - d[0]) / 1e-3 == pytest.approx(speed * np.sign(turn[0]), rel=1e-3)
    np.testing.assert_allclose(table.at(0.0)[1], [start], atol=1e-9)


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_nobody_stands_inside_a_vehicle_or_the_car(seed: int) -> None:
    world = World(seed, duration_s=20.0)
    for time_s in (0.0, 7.3, 19.0):
        scene = world.at(time_s)
        users = [thing for thing in scene.things if thing.track_id >= 0]
        assert len(users) > 20
        vehicles = [thing for thing in users if thing.class_id <= 2]
        for user in users:
            if user.class_id <= 2:
                continue
            for vehicle in vehicles:
                x, y = user.x - vehicle.x, user.y - vehicle.y
                along = abs(x * np.cos(vehicle.yaw) + y * np.sin(vehicle.yaw))
                across = abs(-x * np.sin(vehicle.yaw) + y * np.cos(vehicle.yaw))
                assert along > vehicle.size[0] / 2.0 or across > vehicle.size[1] / 2.0
