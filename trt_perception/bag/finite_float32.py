"""Numbers from files and messages as float32, none of them infinite or no number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def finite_float32(values: ArrayLike | Sequence[float]) -> NDArray[np.float32]:
    """The values as float32, in their shape.

    Raises:
        ValueError: One is not finite, or larger than a float32 holds.
    """
    array = np.asarray(values, np.float64)
    if not (np.abs(array) <= np.finfo(np.float32).max).all():
        raise ValueError("expected finite numbers that a float32 holds, got others")
    return array.astype(np.float32)
