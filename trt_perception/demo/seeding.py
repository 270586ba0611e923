"""Random generators that depend on nothing but the numbers they are asked for."""

from __future__ import annotations

import numpy as np


def generator(*keys: int) -> np.random.Generator:
    """A PCG64 generator for a path of non-negative numbers, e.g. ``generator(seed, PEDESTRIAN, 17)``.

    Equal keys give equal streams on every machine; NumPy keeps SeedSequence and PCG64 stable across versions.
    """
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(keys)))
