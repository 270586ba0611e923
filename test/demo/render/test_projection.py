"""Polygons are cut at the near plane and far beside the view, and left alone elsewhere."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from trt_perception.demo.mesh.mesh import CORNERS
from trt_perception.demo.render.projection import clipped
from trt_perception.demo.render.view import NEAR_M


def square(x: float, y: float, z: float, half: float, tilt: float) -> np.ndarray:
    """A square (CORNERS, 3) tilted about the picture's vertical, its last corner repeated."""
    corners = [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)]
    points = [(x + a * half * np.cos(tilt), y + b * half, z + a * half * np.sin(tilt)) for a, b in corners]
    return np.array(points + [points[-1]] * (CORNERS - 4))


def test_polygon_in_view_is_left_as_it_is() -> None:
    polygon = square(0.0, 0.0, 10.0, 1.0, 0.3)
    np.testing.assert_array_equal(clipped(polygon), polygon)


def test_polygon_behind_the_camera_is_dropped() -> None:
    assert clipped(square(0.0, 0.0, -10.0, 1.0, 0.3)).shape == (0, 3)


@settings(max_examples=200, deadline=None)
@given(
    x=st.floats(-20.0, 20.0),
    y=st.floats(-20.0, 20.0),
    z=st.floats(-5.0, 30.0),
    half=st.floats(0.1, 30.0),
    tilt=st.floats(-1.5, 1.5),
)
def test_what_is_left_lies_in_the_plane_and_within_bounds(
    x: float, y: float, z: float, half: float, tilt: float
) -> None:
    polygon = square(x, y, z, half, tilt)
    piece = clipped(polygon)
    if not len(piece):
        return
    assert piece.shape == (CORNERS, 3)
    assert (piece[:, 2] >= NEAR_M - 1e-9).all()
    assert (np.abs(piece[:, :2]) <= 3.0 * piece[:, 2:] + 1e-6).all()
    normal = np.cross(polygon[1] - polygon[0], polygon[2] - polygon[0])
    np.testing.assert_allclose((piece - polygon[0]) @ (normal / np.linalg.norm(normal)), 0.0, atol=1e-6)
    # Within the square: no further from its middle than half, in both of its own directions.
    along = (piece - [x, y, z]) @ np.array([np.cos(tilt), 0.0, np.sin(tilt)])
    assert np.abs(along).max() <= half + 1e-6
    assert np.abs(piece[:, 1] - y).max() <= half + 1e-6
