"""Dirt, plaster and leaves: a fine pattern over the scenery, so that no wall is of one colour."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from trt_perception.demo.render.noise_tile import fractal_noise
from trt_perception.demo.render.slots import BACKDROP_TABLE
from trt_perception.demo.seeding import generator

Bytes = NDArray[np.uint8]

_GRAIN = 54
_SIZE = 512
_PLAIN = 128.0


def weathered_walls(picture: Bytes, slots: Bytes, heading: float, focal_px: float) -> None:
    """Modulates the scenery of a picture uint8 (h, w, 3) in place.

    The pattern turns with the view, so that it stays where it is while the car drives straight on.

    Args:
        picture: The picture before air and weather.
        slots: uint8 (h, w), slots.
        heading: World direction of the optical axis in radians.
        focal_px: Focal length of the picture.
    """
    height, width = slots.shape
    tile = _tile(height, width)
    shift = round(heading * focal_px) % _SIZE
    grain = tile[:height, _SIZE - shift : _SIZE - shift + width]
    shaded = cv2.multiply(picture, cv2.merge([grain, grain, grain]), scale=1.0 / _PLAIN)
    cv2.copyTo(shaded, cv2.LUT(slots, BACKDROP_TABLE), picture)


@lru_cache(maxsize=4)
def _tile(height: int, width: int) -> Bytes:
    rng = generator(_GRAIN)
    fine = fractal_noise(rng, _SIZE, _SIZE, cells=(128, 128), octaves=2) - 0.5
    broad = fractal_noise(rng, _SIZE, _SIZE, cells=(10, 10), octaves=4) - 0.5
    drips = cv2.blur(rng.normal(0.0, 1.0, (_SIZE, _SIZE)), (1, 61), borderType=cv2.BORDER_REFLECT)
    grain = _PLAIN * (1.0 + 0.16 * fine + 0.24 * broad + 0.20 * drips)
    tile = np.rint(np.clip(grain, 0.0, 255.0)).astype(np.uint8)
    down, across = -(-height // _SIZE), -(-width // _SIZE) + 1
    return np.tile(tile, (down, across))
