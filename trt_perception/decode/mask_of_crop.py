"""The mask of a whole image from that of the part which the network saw."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trt_perception.preprocess.image_transform import ImageTransform
from trt_perception.segmentation_mask import UNLABELLED, SegmentationMask


def mask_of_crop(class_ids: NDArray[np.uint8], transform: ImageTransform) -> SegmentationMask:
    """The mask of the received image: unlabelled outside the crop.

    Args:
        class_ids: uint8 (h, w) of the crop.
        transform: Says where the crop lies.
    """
    x, y, width, height = transform.crop
    if (width, height) == (transform.image_width, transform.image_height):
        return SegmentationMask(class_ids=class_ids)
    whole = np.full((transform.image_height, transform.image_width), UNLABELLED, np.uint8)
    whole[y : y + height, x : x + width] = class_ids
    return SegmentationMask(class_ids=whole)
