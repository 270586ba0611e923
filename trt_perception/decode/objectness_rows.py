"""Rows of x y w h, objectness and class scores: which of them are candidates, and with what score."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trt_perception.decode.candidates import select


def best_rows(
    rows: NDArray[Any], limits: NDArray[np.float32]
) -> tuple[NDArray[np.intp], NDArray[np.float32], NDArray[np.intp]]:
    """The rows that reach their class's limit, best first; a row's score is objectness x best class score.

    Args:
        rows: (n, 5 + classes), scores from 0 to 1.
        limits: (classes,), lowest score of each.

    Returns:
        Positions, scores and classes of the candidates.
    """
    # Class scores are at most 1: objectness alone rules out nearly all candidates.
    objectness = rows[:, 4].astype(np.float32)
    hopeful = np.flatnonzero(objectness >= limits.min())
    classes = rows[hopeful, 5:]
    class_ids = classes.argmax(axis=1)
    scores = objectness[hopeful] * classes[np.arange(len(hopeful)), class_ids].astype(np.float32)
    best = select(scores, class_ids, limits)
    return hopeful[best], scores[best], class_ids[best]
