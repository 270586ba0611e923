"""The lens and the sensor: blur, exposure, vignette, noise, JPEG."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from trt_perception.demo.seeding import generator

Bytes = NDArray[np.uint8]

_NOISE = 61
_SPAN = 384  # px by which the stored noise may be shifted


@dataclass(frozen=True, kw_only=True)
class SensorState:
    """How one picture is taken.

    Args:
        exposure: Factor on the brightness.
        noise: Standard deviation in grey levels.
        motion_px: Length of the motion blur along the rows.
        soft_px: Standard deviation of the lens blur.
        jpeg_quality: None for no JPEG.
    """

    exposure: float
    noise: float
    motion_px: int
    soft_px: float
    jpeg_quality: int | None


def take(picture: Bytes, state: SensorState, rng: np.random.Generator) -> Bytes:
    """The picture uint8 (h, w, 3) or (h, w) as the camera delivers it."""
    if state.motion_px > 1:
        picture = cv2.blur(picture, (state.motion_px, 1)).astype(np.uint8, copy=False)
    if state.soft_px > 0.3:
        picture = cv2.GaussianBlur(picture, (0, 0), state.soft_px).astype(np.uint8, copy=False)
    picture = cv2.LUT(picture, _tone(state.exposure)).astype(np.uint8, copy=False)
    if state.noise > 0.0:
        picture = _noisy(picture, state.noise, rng)
    if state.jpeg_quality is not None:
        flags = cv2.IMREAD_COLOR if picture.ndim == 3 else cv2.IMREAD_GRAYSCALE
        packed = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, state.jpeg_quality])[1]
        picture = np.asarray(cv2.imdecode(packed, flags), dtype=np.uint8)
    return picture


@lru_cache(maxsize=64)
def _tone(exposure: float) -> Bytes:
    """Exposure with a soft shoulder, so that bright parts do not clip hard."""
    value = np.arange(256) / 255.0 * exposure
    curve = np.where(value < 0.8, value, 0.8 + 0.2 * np.tanh((value - 0.8) / 0.2))
    tone: Bytes = np.rint(np.clip(curve, 0.0, 1.0) * 255.0).astype(np.uint8)
    return tone


def _noisy(picture: Bytes, level: float, rng: np.random.Generator) -> Bytes:
    height, width = picture.shape[:2]
    plane = _noise_plane(height + _SPAN, width + _SPAN, picture.ndim == 3)
    row, column = (int(value) for value in rng.integers(0, _SPAN, 2))
    piece = plane[row : row + height, column : column + width]
    # A multiple of 1/256 keeps the sum exact in single precision, so that every machine rounds alike.
    gain = round(level * 8.0) / 256.0
    return cv2.addWeighted(picture, 1.0, piece, gain, -128.0 * gain).astype(np.uint8, copy=False)


@lru_cache(maxsize=4)
def _noise_plane(height: int, width: int, colour: bool) -> Bytes:
    """uint8 noise of mean 128 and deviation 32: mostly grey, partly coloured and correlated as after demosaicing."""
    rng = generator(0, _NOISE)
    grey = rng.standard_normal((height, width), dtype=np.float32)
    if not colour:
        return _levels(grey)
    tint = rng.standard_normal((height, width, 3), dtype=np.float32)
    tint = np.asarray(cv2.blur(tint, (2, 2)), dtype=np.float32) * 2.0
    return _levels(0.75 * grey[..., None] + 0.6 * tint)


def _levels(noise: NDArray[np.float32]) -> Bytes:
    levels: Bytes = np.rint(np.clip(128.0 + 32.0 * noise, 0.0, 255.0)).astype(np.uint8)
    return levels
