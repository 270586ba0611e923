"""The perception node with a model whose faults travel in the images: an image of one grey value makes it fail."""

from __future__ import annotations

import sys
import time
from enum import IntEnum
from typing import Any

import numpy as np

from trt_perception.errors import DeviceError
from trt_perception.model.model_spec import ModelSpec
from trt_perception.ros import main, model_pool
from trt_perception.runtime.backend import Tensors
from trt_perception.runtime.onnxruntime_backend import OnnxRuntimeBackend

HANG_S = 7.0
_CENTRE = np.s_[0, :, 28:36, 28:36]
_TOLERANCE = 4
"""JPEG gives a grey value back with an error of one or two."""


class Marker(IntEnum):
    """The grey value that makes the model fail, and how. Warming up is done with 128, padding is 114."""

    NAN = 16
    INFINITE = 40
    DEVICE_ERROR = 64
    EXCEPTION = 88
    SYSTEM_EXIT = 160
    HANG = 184


class FaultyBackend(OnnxRuntimeBackend):
    """Takes BGR from 0 to 255 in 64 x 64 or more."""

    def infer(self, inputs: Tensors) -> Tensors:
        """As told by the image."""
        (pixels,) = inputs.values()
        marker = _marker(pixels[_CENTRE])
        if marker is Marker.DEVICE_ERROR:
            raise DeviceError("the soak says so")
        if marker is Marker.EXCEPTION:
            raise RuntimeError("the soak says so")
        if marker is Marker.SYSTEM_EXIT:
            raise SystemExit("the soak says so")
        if marker is Marker.HANG:
            time.sleep(HANG_S)
        outputs = super().infer(inputs)
        if marker in (Marker.NAN, Marker.INFINITE):
            outputs = {name: array.copy() for name, array in outputs.items()}
            value = np.nan if marker is Marker.NAN else -np.inf
            for array in outputs.values():
                array.reshape(-1)[-1] = value
        return outputs


def _marker(centre: Any) -> Marker | None:
    low, high = float(centre.min()), float(centre.max())
    if high - low > 2 * _TOLERANCE:
        return None
    return next((marker for marker in Marker if abs((low + high) / 2 - marker) <= _TOLERANCE), None)


def _make(kind: object, spec: ModelSpec, **options: Any) -> FaultyBackend:
    return FaultyBackend(spec, threads=options["threads"] or None)


def run() -> int:
    """The node's entry point, with that backend."""
    model_pool.make_backend = _make
    return main.main(sys.argv[1:])
