"""Detections and masks out of the network's outputs, in NumPy: for checks while it trains.

Final figures come from the package's own pipeline (training.evaluate).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from training.network.network_options import STRIDES
from trt_perception.detections import Detections

MIN_SCORE = 0.01
NMS_IOU = 0.6
MAX_DETECTIONS = 100
_CANDIDATES = 400


def decode_detections(cells: NDArray[np.float32], height: int, width: int) -> Detections:
    """cells: float32 (n, 5 + c), Network's first output of one picture of height x width px."""
    origins, strides = [], []
    for stride in STRIDES:
        y, x = np.mgrid[: height // stride, : width // stride]
        origins.append(np.stack((x, y), -1).reshape(-1, 2))
        strides.append(np.full((len(origins[-1]), 1), stride))
    origin, stride_px = np.concatenate(origins), np.concatenate(strides)
    scores = cells[:, 4:5] * cells[:, 5:]
    rows, classes = np.nonzero(scores > MIN_SCORE)
    best = np.argsort(-scores[rows, classes], kind="stable")[:_CANDIDATES]
    rows, classes = rows[best], classes[best]
    centre = (cells[rows, :2] + origin[rows]) * stride_px[rows]
    half = np.exp(np.minimum(cells[rows, 2:4], 8.0)) * stride_px[rows] / 2
    limits = np.array((width, height, width, height))
    boxes = np.clip(np.concatenate((centre - half, centre + half), 1), 0, limits).astype(np.float32)
    kept = suppress(boxes, classes, NMS_IOU)[:MAX_DETECTIONS]
    return Detections(
        boxes=boxes[kept],
        scores=scores[rows, classes][kept].astype(np.float32),
        class_ids=classes[kept].astype(np.int32),
    )


def suppress(boxes: NDArray[np.float32], classes: NDArray[np.intp], iou: float) -> NDArray[np.intp]:
    """Greedy class-aware NMS over boxes in falling order of score; rows that stay."""
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    common = np.maximum(high - low, 0).prod(-1)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(-1)
    close = (common > iou * (area[:, None] + area[None] - common)) & (classes[:, None] == classes[None])
    alive = np.ones(len(boxes), np.bool_)
    for row in range(len(boxes)):
        if alive[row]:
            alive[row + 1 :] &= ~close[row, row + 1 :]
    return np.flatnonzero(alive)


def decode_mask(logits: NDArray[np.float32], height: int, width: int) -> NDArray[np.uint8]:
    """logits: float32 (c, h/4, w/4) to class ids uint8 (height, width), scaled up bilinearly before the argmax."""
    planes = [cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR) for plane in logits]
    result: NDArray[np.uint8] = np.argmax(np.stack(planes), 0).astype(np.uint8)
    return result
