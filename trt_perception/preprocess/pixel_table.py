"""Normalisation of pixels as a table: there are only 256 of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trt_perception.model.model_spec import InputSpec


def pixel_table(spec: InputSpec) -> NDArray[Any]:
    """``(x * scale - mean) / std`` of every pixel value x, in the tensor's channel order: (256, channels), its dtype.

    Computed in float64 and rounded once. Integer types are rounded half to even and saturated: for a quantized input,
    `scale`, `mean` and `std` hold what its scale and zero point make of them.
    """
    options = spec.preprocess
    pixels = np.arange(256, dtype=np.float64)[:, None]
    mean = np.array(options.mean, np.float64)[: spec.channels]
    std = np.array(options.std, np.float64)[: spec.channels]
    values = (pixels * options.scale - mean) / std
    dtype = np.dtype(spec.dtype.value)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        values = np.clip(np.rint(values), limits.min, limits.max)
    return values.astype(dtype)
