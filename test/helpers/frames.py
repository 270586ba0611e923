"""Frames out of arrays, with row padding on request."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from trt_perception.encoding import Encoding
from trt_perception.frame import EncodedFrame, Frame


def make_frame(
    rows: NDArray[np.uint8],
    encoding: Encoding,
    *,
    width: int,
    height: int,
    padding: int = 0,
    cut_last_padding: bool = False,
    stamp_ns: int = 1,
) -> Frame:
    """A frame whose rows of bytes are `rows`, uint8 (row count, bytes), each followed by `padding` bytes of noise."""
    noise = np.random.default_rng(7).integers(0, 256, (len(rows), padding), dtype=np.uint8)
    padded = np.concatenate((rows, noise), axis=1)
    data = padded.reshape(-1)
    if cut_last_padding and padding:
        data = data[:-padding]
    return Frame(
        camera="front",
        stamp_ns=stamp_ns,
        frame_id="front_optical",
        encoding=encoding,
        width=width,
        height=height,
        step=padded.shape[1],
        data=data,
    )


def bgr_frame(image: NDArray[np.uint8], *, padding: int = 0, stamp_ns: int = 1) -> Frame:
    """A bgr8 frame of a uint8 (h, w, 3) image."""
    height, width = image.shape[:2]
    rows = np.ascontiguousarray(image).reshape(height, -1)
    return make_frame(rows, Encoding.BGR8, width=width, height=height, padding=padding, stamp_ns=stamp_ns)


def encoded_frame(data: bytes, *, format_name: str = "jpeg", stamp_ns: int = 1) -> EncodedFrame:
    """A compressed frame of those bytes."""
    return EncodedFrame(
        camera="front",
        stamp_ns=stamp_ns,
        frame_id="front_optical",
        format=format_name,
        data=np.frombuffer(data, np.uint8),
    )


def noise_image(height: int, width: int, *, seed: int = 0) -> NDArray[np.uint8]:
    """Random pixels, uint8 (h, w, 3)."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def scene_image(height: int, width: int, *, seed: int = 0) -> NDArray[np.uint8]:
    """Smooth colours with noise on top, uint8 (h, w, 3): as compressible as a photograph."""
    coarse = cv2.resize(noise_image(6, 8, seed=seed), (width, height), interpolation=cv2.INTER_CUBIC).astype(np.int16)
    grain = np.random.default_rng(seed + 1).integers(-12, 13, (height, width, 1), dtype=np.int16)
    return np.asarray(np.clip(coarse + grain, 0, 255), np.uint8)


def patch_image(height: int, width: int, *, patch: int = 16) -> NDArray[np.uint8]:
    """Flat patches of strong colours, uint8 (h, w, 3), BGR."""
    colours = np.array(
        [[255, 0, 0], [0, 255, 0], [0, 0, 255], [200, 40, 90], [30, 220, 130], [16, 128, 240], [255, 255, 255]],
        np.uint8,
    )
    row, column = np.mgrid[:height, :width] // patch
    return np.asarray(colours[(row * 3 + column) % len(colours)], np.uint8)
