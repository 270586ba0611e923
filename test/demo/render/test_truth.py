"""Boxes, visible shares and masks agree with what OpenCV projects and with what was painted."""

import cv2
import numpy as np
import pytest
from helpers.tiny_scene import CAMERA, OPTIONS, draw, placed, scene_of
from hypothesis import given, settings
from hypothesis import strategies as st

from trt_perception.demo import CLASS_NAMES, Condition, Drive, DriveOptions
from trt_perception.demo.camera_model import CameraModel
from trt_perception.demo.mesh.mesh import Kind
from trt_perception.demo.render.lens import Lens
from trt_perception.demo.render.painter import paint
from trt_perception.demo.render.projection import project_faces
from trt_perception.demo.render.renderer import Renderer
from trt_perception.demo.render.slots import OBJECTS
from trt_perception.demo.world.placed import Placed

RENDERER, LENS = Renderer(OPTIONS), Lens(CAMERA)


def projected_box(thing: Placed, camera: CameraModel, ego: tuple[float, float, float]) -> np.ndarray:
    """The unclipped box of a thing: cv2.projectPoints on the faces towards the camera; a ball adds its radius."""
    mesh = thing.mesh
    turn = np.array([[np.cos(thing.yaw), -np.sin(thing.yaw)], [np.sin(thing.yaw), np.cos(thing.yaw)]])
    world = mesh.vertices.copy()
    world[:, :2] = world[:, :2] @ turn.T + [thing.x, thing.y]
    back = np.array([[np.cos(ego[2]), np.sin(ego[2])], [-np.sin(ego[2]), np.cos(ego[2])]])
    body = world.copy()
    body[:, :2] = (world[:, :2] - ego[:2]) @ back.T
    inverse = np.linalg.inv(camera.extrinsics)
    vector = cv2.Rodrigues(inverse[:3, :3])[0]
    pixels = cv2.projectPoints(body, vector, inverse[:3, 3], camera.intrinsics, np.zeros(5))[0][:, 0]
    depth = body @ inverse[2, :3] + inverse[2, 3]
    flat = mesh.kinds <= Kind.SHEET
    corners = body[mesh.faces[flat]]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, -1] - corners[:, 0])
    shown = ((corners[:, 0] - camera.translation) * normals).sum(axis=1) < 0.0
    low = [pixels[mesh.faces[flat][shown]].reshape(-1, 2)]
    high = list(low)
    for end in (0, 1):
        at = mesh.faces[~flat, end]
        radius = (camera.intrinsics[0, 0] * mesh.radii[~flat, end] / depth[at])[:, None]
        low.append(pixels[at] - radius)
        high.append(pixels[at] + radius)
    return np.concatenate([np.concatenate(low).min(axis=0), np.concatenate(high).max(axis=0)]) + 0.5


@settings(max_examples=40, deadline=None)
@given(
    class_id=st.integers(0, len(CLASS_NAMES) - 1),
    seed=st.integers(0, 200),
    distance=st.floats(7.0, 60.0),
    side=st.floats(-0.8, 0.8),
    yaw=st.floats(-3.1, 3.1),
)
def test_box_is_the_extent_of_the_projected_object_and_of_its_pixels(
    class_id: int, seed: int, distance: float, side: float, yaw: float
) -> None:
    distance = max(distance, {1: 13.0, 2: 12.0}.get(class_id, 7.0))
    thing = placed(class_id, distance, side * distance, yaw=yaw, seed=seed, track_id=9)
    image, truth = draw(thing)
    height, width = image.shape[:2]
    rows, columns = np.nonzero(slots_of(thing) >= OBJECTS)
    assert len(truth) == (len(rows) > 0)
    if not len(rows):
        return
    whole = projected_box(thing, CAMERA, (0.0, 0.0, 0.0))
    expected = np.clip(whole, 0.0, [width, height, width, height])
    assert truth.track_ids.tolist() == [9]
    assert truth.class_ids.tolist() == [class_id]
    # Balls are drawn as twelve-cornered polygons, which reach a little less far than the ball; the reference takes a
    # ball's radius at its centre, 1.7 px off for an animal 7 m away. The painted pixels below are the tighter check.
    if np.array_equal(whole, expected):
        np.testing.assert_allclose(truth.boxes[0], expected, atol=2.5 if class_id in (3, 4, 6) else 0.02)
    area = np.prod(whole[2:] - whole[:2])
    cut = 1.0 - np.prod(expected[2:] - expected[:2]) / area
    assert truth.truncation[0] == pytest.approx(cut, abs=0.05 if class_id in (3, 4, 6) else 1e-3)
    assert truth.visible_fraction[0] == 1.0
    # Independent of the projection: the pixels that bear the object's mark.
    # What the border cuts may end in a tip thinner than a pixel, which bears no mark.
    painted = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
    np.testing.assert_allclose(truth.boxes[0], painted, atol=1.3 if np.array_equal(whole, expected) else 3.0)


def slots_of(*things: Placed) -> np.ndarray:
    lit = RENDERER.light(scene_of(*things), index=0, condition=Condition.DAY, strength=0.5, speed=0.0)
    polygons = project_faces(lit.batch, LENS.view, lit.sun)
    sky = np.zeros((CAMERA.height, CAMERA.width, 3), dtype=np.uint8)
    patches = (np.zeros((0, 12, 2)), np.zeros((0, 4), dtype=np.uint8))
    painting = paint(LENS.view, sky, patches, polygons, lit.colours[polygons.faces], lit.is_object)
    return painting.canvas[::2, ::2, 3]


@pytest.mark.parametrize("seed", [2, 7, 13])
def test_boxes_of_a_whole_drive_are_those_of_the_projected_vertices(seed: int) -> None:
    drive = Drive(options=DriveOptions(seed=seed, width=480, height=272))
    time_s = 5 / drive.options.rate_hz
    scene = drive.world.at(time_s)
    things = {thing.track_id: thing for thing in scene.things if thing.track_id >= 0}
    sample = drive.sample(5)
    compared = 0
    for name, truth in sample.truth.items():
        camera = drive.cameras[name]
        for box, track, cut in zip(truth.boxes, truth.track_ids, truth.truncation, strict=True):
            thing = things[int(track)]
            if cut > 0.0:
                continue
            expected = projected_box(thing, camera, scene.ego)
            tolerance = 0.9 if thing.class_id in (3, 4, 6) else 0.02
            np.testing.assert_allclose(box, expected, atol=tolerance)
            compared += 1
    assert compared > 60


def test_boxes_3d_hold_their_objects_and_project_onto_them() -> None:
    drive = Drive(options=DriveOptions(seed=3))
    sample = drive.sample(2)
    compared = 0
    for name, truth in sample.truth.items():
        for box, row, cut in zip(truth.boxes, truth.boxes_3d.astype(float), truth.truncation, strict=True):
            x, y, z, length, width, height, yaw = row
            if cut > 0.0 or max(box[2:] - box[:2]) < 20:
                continue
            signs = np.array([[a, b, c] for a in (-0.5, 0.5) for b in (-0.5, 0.5) for c in (-0.5, 0.5)])
            local = signs * [length, width, height]
            turned = np.stack(
                [
                    x + np.cos(yaw) * local[:, 0] - np.sin(yaw) * local[:, 1],
                    y + np.sin(yaw) * local[:, 0] + np.cos(yaw) * local[:, 1],
                    z + local[:, 2],
                ],
                axis=1,
            )
            pixels, depth = drive.cameras[name].project(turned)
            if depth.min() < 0.5:
                continue
            outer = np.concatenate([pixels.min(axis=0), pixels.max(axis=0)]) + 0.5
            # Mirrors, lamps and load stand out a little.
            slack = 0.12 * max(box[2:] - box[:2]) + 1.5
            assert (box[:2] >= outer[:2] - slack).all()
            assert (box[2:] <= outer[2:] + slack).all()
            compared += 1
    assert compared > 40


def test_what_stands_behind_a_bus_is_hidden_and_what_stands_before_it_is_not() -> None:
    bus = placed(2, 14.0, 0.0, yaw=np.pi / 2.0, track_id=1)
    behind, before = placed(3, 18.0, 0.5, track_id=2), placed(3, 10.0, 0.5, track_id=3)
    _, truth = draw(bus, behind, before)
    visible = dict(zip(truth.track_ids.tolist(), truth.visible_fraction.tolist(), strict=True))
    assert visible[2] == 0.0
    assert visible[3] == 1.0
    assert 0.8 < visible[1] < 1.0


def test_half_a_car_behind_a_truck_is_half_visible() -> None:
    car = placed(0, 30.0, 0.0, track_id=1)
    truck = placed(1, 18.0, 1.25, track_id=2, seed=3)
    _, truth = draw(car, truck)
    visible = dict(zip(truth.track_ids.tolist(), truth.visible_fraction.tolist(), strict=True))
    assert 0.2 < visible[1] < 0.8
    assert visible[2] == 1.0


def test_what_lies_behind_the_camera_is_no_object() -> None:
    _, truth = draw(placed(0, -12.0, 0.0))
    assert len(truth) == 0
    assert truth.boxes.shape == (0, 4)
    assert truth.boxes_3d.shape == (0, 7)


def test_road_behind_an_object_is_background() -> None:
    _, empty = draw(placed(0, -10.0, 0.0))
    _, truth = draw(placed(0, 10.0, 0.0))
    x1, y1, x2, y2 = truth.boxes[0].round().astype(int)
    middle = (slice((y1 + y2) // 2, y2 - 6), slice(x1 + 20, x2 - 20))
    assert (empty.mask[middle] == 1).all()
    assert (truth.mask[middle] == 0).mean() > 0.9
    assert empty.mask[-1].tolist() == [1] * OPTIONS.width


def test_masks_hold_road_and_lines_where_they_are_painted() -> None:
    drive = Drive(options=DriveOptions(seed=3, width=480, height=272, noise=0.0, blur=0.0, jpeg_quality=None))
    sample = drive.sample(6, cameras=["front", "back"])
    for name, truth in sample.truth.items():
        assert truth.mask.dtype == np.uint8
        assert set(np.unique(truth.mask)) == {0, 1, 2}
        assert 0.1 < (truth.mask == 1).mean() < 0.6
        assert 0.002 < (truth.mask == 2).mean() < 0.06
        grey = cv2.cvtColor(sample.images[name], cv2.COLOR_BGR2GRAY)[150:]
        lines, road = truth.mask[150:] == 2, truth.mask[150:] == 1
        assert np.median(grey[lines]) > 1.4 * np.median(grey[road])


def test_distortion_bends_boxes_and_picture_alike() -> None:
    lens = (-0.2, 0.03, 0.0, 0.0, 0.0)
    options = DriveOptions(cameras=1, width=480, height=272, noise=0.0, blur=0.0, jpeg_quality=None, distortion=lens)
    plain = DriveOptions(cameras=1, width=480, height=272, noise=0.0, blur=0.0, jpeg_quality=None)
    thing = placed(5, 6.0, 2.3, seed=2)
    bent_image, bent = draw(thing, options=options)
    image, straight = draw(thing, options=plain)

    def orange(picture: np.ndarray) -> tuple[float, float]:
        """Middle column and top row of what is orange."""
        blue, _, red = (picture[..., i].astype(int) for i in range(3))
        rows, columns = np.nonzero(red - blue > 60)
        return (columns.min() + columns.max() + 1) / 2.0, float(rows.min())

    for picture, truth in ((image, straight), (bent_image, bent)):
        x1, y1, x2, _ = truth.boxes[0]
        np.testing.assert_allclose([(x1 + x2) / 2.0, y1], orange(picture), atol=2.0)
    assert abs(bent.boxes[0][0] - straight.boxes[0][0]) > 4.0
