"""YOLOX detections computed with ONNX Runtime, OpenCV's resize and NumPy alone: what the node is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

PAD = 114
STRIDES = (8, 16, 32)
CAR, TRUCK = 2, 7
"""Indexes of two COCO classes."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """One object: class index, score, and box x1 y1 x2 y2 in pixels of the image."""

    class_id: int
    score: float
    box: tuple[float, float, float, float]


def detect(model: Path, image: NDArray[np.uint8], *, score: float, nms_iou: float) -> list[Found]:
    """Objects of a bgr8 image (h, w, 3), best first."""
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    source = session.get_inputs()[0]
    side = source.shape[2]
    factor = min(side / image.shape[0], side / image.shape[1])
    height, width = int(image.shape[0] * factor), int(image.shape[1] * factor)
    canvas = np.full((side, side, 3), PAD, np.uint8)
    canvas[:height, :width] = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
    tensor = canvas.transpose(2, 0, 1)[None].astype(np.float32)
    (raw,) = session.run(None, {source.name: tensor})[0]
    boxes = _boxes(raw, side) / factor
    boxes[:, 0::2] = boxes[:, 0::2].clip(0, image.shape[1])
    boxes[:, 1::2] = boxes[:, 1::2].clip(0, image.shape[0])
    scores = raw[:, 4:5] * raw[:, 5:]
    class_ids = scores.argmax(axis=1)
    best = scores.max(axis=1)
    candidates = [
        Found(class_id=int(class_ids[i]), score=float(best[i]), box=tuple(boxes[i].tolist()))
        for i in np.argsort(-best)
        if best[i] >= score
    ]
    kept: list[Found] = []
    for one in candidates:
        if all(one.class_id != other.class_id or iou(one.box, other.box) <= nms_iou for other in kept):
            kept.append(one)
    return kept


def _boxes(raw: NDArray[Any], side: int) -> NDArray[Any]:
    """Corners in network pixels: centre = (offset + cell) x stride, size = exp x stride."""
    cells, strides = [], []
    for stride in STRIDES:
        count = side // stride
        ys, xs = np.mgrid[:count, :count]
        cells.append(np.stack([xs.ravel(), ys.ravel()], axis=1))
        strides.append(np.full((count * count, 1), stride))
    stride = np.concatenate(strides)
    centre = (raw[:, :2] + np.concatenate(cells)) * stride
    size = np.exp(raw[:, 2:4]) * stride
    return np.concatenate([centre - size / 2, centre + size / 2], axis=1)


def iou(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Intersection over union of two boxes."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)
