"""Fills the polygons of a view, far ones first, and counts what stays visible of each object."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from trt_perception.demo.render.projection import Polygons
from trt_perception.demo.render.slots import OBJECT_COUNT, OBJECTS, SKY, scenery_slots
from trt_perception.demo.render.view import SCALE, SHIFT, View, fixed_point

Array = NDArray[np.float64]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, eq=False)
class Painting:
    """A finished canvas.

    Args:
        canvas: uint8 (h * SCALE, w * SCALE, 4), BGR and slot.
        slot_of: int64 (I,), slot of each thing, -1 where not drawn.
        silhouettes: int64 (I,), picture pixels of each object's silhouette before nearer things covered it.
    """

    canvas: Bytes
    slot_of: NDArray[np.int64]
    silhouettes: NDArray[np.int64]


def thing_slots(polygons: Polygons, is_object: NDArray[np.bool_]) -> NDArray[np.int64]:
    """int64 (I,): the slot of each thing; objects beyond the number of slots, the farthest, get that of scenery."""
    slots = scenery_slots(polygons.distances)
    drawn = np.zeros(len(slots), dtype=bool)
    drawn[polygons.owners] = True
    objects = np.nonzero(is_object & drawn)[0]
    nearest = objects[np.argsort(polygons.distances[objects], kind="stable")][:OBJECT_COUNT]
    slots[nearest] = OBJECTS + np.arange(len(nearest))
    return slots


def paint(
    view: View,
    sky: Bytes,
    patches: tuple[Array, Bytes],
    polygons: Polygons,
    colours: Bytes,
    is_object: NDArray[np.bool_],
) -> Painting:
    """Paint sky, then ground, then things.

    Args:
        view: Canvas to paint for.
        sky: uint8 (h, w, 3), picture-sized sky.
        patches: Canvas polygons (n, CORNERS, 2) of the ground and their uint8 (n, 4) BGR and slot.
        polygons: Things in the order of drawing.
        colours: uint8 (P, 3), BGR of each polygon.
        is_object: bool (I,), which things have ground truth.
    """
    canvas = _backdrop(view, sky)
    fill = cv2.fillConvexPoly
    for corners, colour in zip(fixed_point(patches[0]), patches[1].tolist(), strict=True):
        fill(canvas, corners, colour, 8, SHIFT)
    slots = thing_slots(polygons, is_object)
    silhouettes = np.zeros(len(slots), dtype=np.int64)
    corners_fixed = fixed_point(polygons.corners)
    table = np.concatenate([colours, slots[polygons.owners, None].astype(np.uint8)], axis=1).tolist()
    owners = polygons.owners
    if len(owners):
        starts = np.concatenate([[0], np.nonzero(np.diff(owners))[0] + 1])
        ends = np.append(starts[1:], len(owners))
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            for i in range(start, end):
                fill(canvas, corners_fixed[i], table[i], 8, SHIFT)
            owner = int(owners[start])
            if slots[owner] >= OBJECTS:
                silhouettes[owner] = count_pixels(canvas, int(slots[owner]), polygons.extents[owner])
    drawn = np.zeros(len(slots), dtype=bool)
    drawn[owners] = True
    return Painting(canvas=canvas, slot_of=np.where(drawn, slots, -1), silhouettes=silhouettes)


def count_pixels(canvas: Bytes, slot: int, extent: Array) -> int:
    """Picture pixels of a slot within a canvas extent x1 y1 x2 y2; every picture pixel looks at one canvas pixel."""
    height, width = canvas.shape[:2]
    x1, y1 = (max(0, int(value) // SCALE * SCALE - SCALE) for value in extent[:2])
    x2, y2 = min(width, int(extent[2]) + 2 * SCALE), min(height, int(extent[3]) + 2 * SCALE)
    if x1 >= x2 or y1 >= y2:
        return 0
    return int(np.count_nonzero(canvas[y1:y2:SCALE, x1:x2:SCALE, 3] == slot))


def _backdrop(view: View, sky: Bytes) -> Bytes:
    with_slot = cv2.cvtColor(sky, cv2.COLOR_BGR2BGRA)
    with_slot[..., 3] = SKY
    return cv2.resize(with_slot, view.canvas_size, interpolation=cv2.INTER_NEAREST).astype(np.uint8, copy=False)
