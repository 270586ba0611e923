"""What all detection heads do with their candidates once scores and boxes are known."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trt_perception.decode.nms import class_aware_nms
from trt_perception.detections import Detections
from trt_perception.errors import DropReason, FrameError
from trt_perception.preprocess.image_transform import ImageTransform
from trt_perception.thresholds import Thresholds

MAX_CANDIDATES = 2048
"""Most candidates that reach NMS, best scores first. At usual thresholds an image has 20 to 300."""


def check_finite(name: str, tensor: NDArray[Any]) -> None:
    """Refuse an output with NaN or infinity, so that no wrong box leaves.

    Raises:
        FrameError: inference_failed, naming the output.
    """
    if tensor.dtype.kind != "f":
        return
    # One sum is many times faster than looking at each value: it is finite only if all of them are.
    with np.errstate(over="ignore", invalid="ignore"):
        total = tensor.sum(dtype=np.float32 if tensor.dtype == np.float16 else None)
    if not np.isfinite(total) and not np.isfinite(tensor).all():
        count = int(np.count_nonzero(~np.isfinite(tensor)))
        raise FrameError(
            DropReason.INFERENCE_FAILED, f"output {name!r}: {count} of {tensor.size} values are NaN or infinite"
        )


def select(scores: NDArray[np.float32], class_ids: NDArray[np.intp], limits: NDArray[np.float32]) -> NDArray[np.intp]:
    """Positions of the candidates that reach their class's limit: at most MAX_CANDIDATES, best first, ties by index.

    A score of 0 never is an object, whatever the limit.

    Args:
        scores: (n,), of each candidate's best class.
        class_ids: (n,), that class.
        limits: (classes,), lowest score of each.
    """
    passed = np.flatnonzero((scores >= limits[class_ids]) & (scores > 0))
    return passed[np.argsort(-scores[passed], kind="stable")[:MAX_CANDIDATES]]


def to_detections(
    centres: NDArray[np.float32],
    scores: NDArray[np.float32],
    class_ids: NDArray[np.intp],
    *,
    output: str,
    transform: ImageTransform,
    thresholds: Thresholds,
) -> Detections:
    """NMS in network pixels among the boxes that have area inside the image; those, in its pixels and clamped to it.

    Args:
        centres: (n, 4), centre x, centre y, width, height in network pixels, best score first.
        scores: (n,).
        class_ids: (n,).
        output: Name of the output they come from, for the error.
        transform: Where the image lies in the network's input.
        thresholds: Overlap and count limits.

    Raises:
        FrameError: inference_failed: a box is not finite.
    """
    return kept_detections(centres, scores, class_ids, output=output, transform=transform, thresholds=thresholds)[0]


def kept_detections(
    centres: NDArray[np.float32],
    scores: NDArray[np.float32],
    class_ids: NDArray[np.intp],
    *,
    output: str,
    transform: ImageTransform,
    thresholds: Thresholds,
) -> tuple[Detections, NDArray[np.intp]]:
    """As `to_detections`, and the position of each detection among the candidates."""
    half = centres[:, 2:] / 2
    with np.errstate(over="ignore", invalid="ignore"):  # it is said by name below
        corners = np.concatenate((centres[:, :2] - half, centres[:, :2] + half), axis=1)
    if not np.isfinite(corners).all():
        raise FrameError(DropReason.INFERENCE_FAILED, f"output {output!r}: a box is NaN or infinite")
    boxes = transform.to_image(corners)
    seen = np.flatnonzero((boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1]))
    kept = seen[
        class_aware_nms(
            corners[seen],
            scores[seen],
            class_ids[seen],
            iou=thresholds.nms_iou,
            max_detections=thresholds.max_detections,
        )
    ]
    found = Detections(boxes=boxes[kept], scores=scores[kept], class_ids=class_ids[kept].astype(np.int32))
    return found, kept
