"""Results drawn into their image."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from trt_perception.detections import Detections
from trt_perception.draw.palette import class_colour
from trt_perception.draw.tag import draw_tag
from trt_perception.instance_detections import InstanceDetections
from trt_perception.model.model_spec import HeadSpec, ModelSpec
from trt_perception.preprocess.image_transform import ImageTransform
from trt_perception.result import Result
from trt_perception.segmentation_mask import SegmentationMask

_MASK_COLOURS = np.array([[class_colour(class_id)] for class_id in range(256)], np.uint8)
# A tint over everything that is nothing would only hide the picture.
_BACKGROUND = frozenset({"background", "bg", "void", "none", "other", "ignore", "unlabelled", "unlabeled"})


def annotate(
    image: NDArray[np.uint8], result: Result, spec: ModelSpec, *, mask_opacity: float = 0.45
) -> NDArray[np.uint8]:
    """A copy of the image with masks as tints, then boxes with label and score, the best ones on top.

    The pixels of a detected object get its class's colour. Unlabelled pixels and classes named as background get no
    tint.

    Args:
        image: uint8 (h, w, 3), BGR: the image that the result is about.
        result: The heads' results.
        spec: The model, for the labels.
        mask_opacity: How much of a mask's colour covers the image, 0 to 1.
    """
    drawn = np.array(image, np.uint8)
    heads = [(head, result.heads[head.name]) for head in spec.heads if head.name in result.heads]
    for head, found in heads:
        if isinstance(found, SegmentationMask):
            _tint(drawn, found.class_ids, _MASK_COLOURS, _tinted(head), spec, mask_opacity)
        elif isinstance(found, InstanceDetections):
            colours, tinted = _instance_colours(found)
            _tint(drawn, found.instance_ids, colours, tinted, spec, mask_opacity)
    for head, found in heads:
        if isinstance(found, Detections):
            _draw_boxes(drawn, found, head)
    return drawn


def _tint(
    image: NDArray[np.uint8],
    mask: NDArray[np.uint8],
    colours: NDArray[np.uint8],
    tinted: NDArray[np.uint8],
    spec: ModelSpec,
    opacity: float,
) -> None:
    """Blend the colour of each of the mask's values, uint8 (256, 1, 3), where `tinted`, uint8 (256,), is 255."""
    height, width = image.shape[:2]
    x, y = 0, 0
    ids: Any = mask
    if mask.shape != (height, width):  # network size: it covers the crop
        x, y, width, height = ImageTransform.of(width, height, spec.inputs[0]).crop
        ids = cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST)
    part = image[y : y + height, x : x + width]
    blended = cv2.addWeighted(part, 1.0 - opacity, cv2.applyColorMap(ids, colours), opacity, 0.0)
    cv2.copyTo(blended, cv2.LUT(ids, tinted), dst=part)


def _instance_colours(found: InstanceDetections) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The colour of each instance's class, and which values of the mask are instances."""
    colours, tinted = np.zeros((256, 1, 3), np.uint8), np.zeros(256, np.uint8)
    colours[1 : len(found) + 1] = _MASK_COLOURS[found.class_ids % len(_MASK_COLOURS)]
    tinted[1 : len(found) + 1] = 255
    return colours, tinted


def _tinted(head: HeadSpec) -> NDArray[np.uint8]:
    """uint8 (256,): 255 for the classes that get a tint: all with a label that means something."""
    tinted = np.zeros(256, np.uint8)
    tinted[: len(head.labels)] = [0 if is_background(label) else 255 for label in head.labels]
    return tinted


def is_background(label: str) -> bool:
    """Whether a label says that there is nothing; pixels of it get no tint."""
    return label.strip("_").lower() in _BACKGROUND


def line_width(size: int) -> int:
    """Width of outlines in an image whose longer side has so many pixels, px."""
    return max(1, round(size / 500))


def _draw_boxes(image: NDArray[np.uint8], found: Detections, head: HeadSpec) -> None:
    size = max(image.shape[:2])
    line = line_width(size)
    for index in reversed(range(len(found))):
        class_id = int(found.class_ids[index])
        colour = class_colour(class_id)
        x1, y1, x2, y2 = (round(float(side)) for side in found.boxes[index])
        cv2.rectangle(image, (x1, y1), (x2 - 1, y2 - 1), colour, line)
        draw_tag(image, (f"{head.labels[class_id]} ", f"{found.scores[index]:.2f}"), (x1, y1), colour, size)
