"""Ground truth out of what was painted."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from trt_perception.demo.camera_model import CameraModel
from trt_perception.demo.ground_truth import GroundTruth
from trt_perception.demo.render.face_batch import FaceBatch
from trt_perception.demo.render.lens import Lens
from trt_perception.demo.render.painter import Painting
from trt_perception.demo.render.projection import Polygons
from trt_perception.demo.render.slots import MASK_TABLE, OBJECTS

Array = NDArray[np.float64]


def ground_truth(
    batch: FaceBatch, painting: Painting, lens: Lens, slots: NDArray[np.uint8], polygons: Polygons, ego_yaw: float
) -> GroundTruth:
    """The truth of one picture.

    Args:
        batch: All things.
        painting: The finished canvas.
        lens: The lens; visible fractions are counted before it bends the picture.
        slots: uint8 (h, w), slot of each pixel before the lens.
        polygons: What was painted.
        ego_yaw: Heading of the car in the world in radians.
    """
    camera = lens.camera
    whole, clipped = lens.picture_extents(polygons.extents), _clipped(lens.picture_extents(polygons.extents), camera)
    inner = _clipped(lens.picture_extents(polygons.inner), camera)
    listed = (painting.slot_of >= OBJECTS) & (painting.silhouettes > 0)
    listed &= (inner[:, 2] > inner[:, 0]) & (inner[:, 3] > inner[:, 1])
    numbers = np.nonzero(listed)[0]
    visible = np.bincount(slots.reshape(-1), minlength=256)[painting.slot_of[numbers]]
    things = [batch.things[number] for number in numbers]
    size = np.array([thing.size for thing in things], dtype=np.float64).reshape(-1, 3)
    yaw = np.array([thing.yaw - ego_yaw for thing in things], dtype=np.float64)
    place = batch.places[numbers]
    boxes_3d = np.column_stack([place, size[:, 2] / 2.0, size, np.arctan2(np.sin(yaw), np.cos(yaw))])
    mask = cv2.LUT(lens.bent_slots(slots), MASK_TABLE).astype(np.uint8, copy=False)
    return GroundTruth(
        boxes=inner[numbers].astype(np.float32),
        class_ids=np.array([thing.class_id for thing in things], dtype=np.int32),
        track_ids=np.array([thing.track_id for thing in things], dtype=np.int64),
        visible_fraction=np.minimum(visible / np.maximum(painting.silhouettes[numbers], 1), 1.0).astype(np.float32),
        truncation=np.clip(1.0 - _area(clipped[numbers]) / np.maximum(_area(whole[numbers]), 1e-9), 0.0, 1.0).astype(
            np.float32
        ),
        mask=mask,
        boxes_3d=boxes_3d.astype(np.float32).reshape(-1, 7),
    )


def _clipped(boxes: Array, camera: CameraModel) -> Array:
    size = np.array([camera.width, camera.height, camera.width, camera.height], dtype=np.float64)
    return np.clip(boxes, 0.0, size)


def _area(boxes: Array) -> Array:
    area: Array = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return area
