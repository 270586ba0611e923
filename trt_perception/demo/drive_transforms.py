"""Where the cameras sit on the car, and where the car is, as TF messages have it (REP-103, REP-105)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from trt_perception.cdr.transform_message import TransformRecord

MAP_FRAME = "map"
BODY_FRAME = "base_link"


def transform_record(matrix: NDArray[np.float64], *, parent: str, child: str, stamp_ns: int) -> TransformRecord:
    """The transform message of a pose.

    Args:
        matrix: float64 (4, 4), turns coordinates in the child frame into coordinates in the parent frame.
        parent: Name of the parent frame.
        child: Name of the child frame.
        stamp_ns: Time of the pose, nanoseconds.
    """
    x, y, z = matrix[:3, 3].tolist()
    return TransformRecord(
        stamp_ns=stamp_ns,
        frame_id=parent,
        child_frame_id=child,
        translation=(x, y, z),
        rotation=quaternion(matrix[:3, :3]),
    )


def quaternion(rotation: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """The unit quaternion x y z w of a rotation matrix (3, 3), w not negative.

    Of the four that could be divided by, the largest component is computed first, by which no small number is divided
    (S. W. Shepperd, Quaternion from rotation matrix, Journal of Guidance and Control 1(3), 1978).
    """
    m = rotation.tolist()
    trace = m[0][0] + m[1][1] + m[2][2]
    squares = [m[0][0], m[1][1], m[2][2], trace]
    largest = squares.index(max(squares))
    if largest == 3:
        parts = [m[2][1] - m[1][2], m[0][2] - m[2][0], m[1][0] - m[0][1], 1.0 + trace]
    else:
        i, j, k = largest, (largest + 1) % 3, (largest + 2) % 3
        parts = [0.0, 0.0, 0.0, m[k][j] - m[j][k]]
        parts[i] = 1.0 + 2.0 * m[i][i] - trace
        parts[j] = m[i][j] + m[j][i]
        parts[k] = m[i][k] + m[k][i]
    length = math.sqrt(sum(part * part for part in parts))
    sign = -1.0 if parts[3] < 0.0 else 1.0
    x, y, z, w = (sign * part / length for part in parts)
    return x, y, z, w
