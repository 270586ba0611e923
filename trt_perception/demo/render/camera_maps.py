"""Per camera, what does not change from instant to instant: where its pixels look and what ground they see."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trt_perception.demo.render.lighting import beam_on_ground
from trt_perception.demo.render.sky import SkyView
from trt_perception.demo.render.slots import FAR_M, distance_levels
from trt_perception.demo.render.view import View

Array = NDArray[np.float64]


class CameraMaps:
    """Maps of one view.

    Attributes:
        sky: Where its pixels look in the sky.
        top: First picture row that sees ground.
        ground_x: float32 (h - top, w), body-frame x of the ground at a pixel in m.
        ground_y: float32 (h - top, w), likewise y.
        level: uint8 (h - top, w), distance level of the ground, see slots.LEVEL_M.
        detail: int16 (h - top, w), 128 where fine texture shows, 0 where it is too far away.
        blotches: int16 (h - top, w), likewise for coarse texture.
        beam: float64, every second row and column of the former: light of the own head lights on the ground.
    """

    def __init__(self, view: View) -> None:
        camera = view.camera
        k = camera.intrinsics
        u = (np.arange(camera.width) - k[0, 2]) / k[0, 0]
        v = (np.arange(camera.height) - k[1, 2]) / k[1, 1]
        optical = np.stack([*np.meshgrid(u, v), np.ones((camera.height, camera.width))], axis=-1)
        rays = optical @ camera.rotation.T
        rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
        self.sky = SkyView(rays, camera.rotation[:, 2])
        below = np.nonzero((rays[..., 2] < 0.0).any(axis=1))[0]
        self.top = int(below[0]) // 2 * 2 if len(below) else camera.height
        down = rays[self.top :]
        reach = np.minimum(camera.translation[2] / np.maximum(-down[..., 2], 1e-6), FAR_M)
        self.ground_x = (camera.translation[0] + reach * down[..., 0]).astype(np.float32)
        self.ground_y = (camera.translation[1] + reach * down[..., 1]).astype(np.float32)
        self.level = distance_levels(reach)
        # A texture of 1.25 cm a dot is as fine as the picture where the ground is seen under a steep angle.
        sharp = np.clip(14.0 / np.maximum(reach, 1.0) - 0.25, 0.0, 1.0)
        coarse = np.clip(55.0 / np.maximum(reach, 1.0) - 0.25, 0.0, 1.0)
        self.detail = np.rint(sharp * 128.0).astype(np.int16)
        self.blotches = np.rint(coarse * 128.0).astype(np.int16)
        self.beam = beam_on_ground(
            self.ground_x[::2, ::2].astype(np.float64), self.ground_y[::2, ::2].astype(np.float64)
        )
