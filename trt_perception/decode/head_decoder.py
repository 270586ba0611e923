"""What every head family's decoder can do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from numpy.typing import NDArray

from trt_perception.detections import Detections
from trt_perception.preprocess.image_transform import ImageTransform
from trt_perception.segmentation_mask import SegmentationMask
from trt_perception.thresholds import Thresholds

Tensors = Mapping[str, NDArray[Any]]
"""Arrays by tensor name."""


class HeadDecoder(Protocol):
    """Makes the result of one head. Holds no state of a frame: several threads may decode at once."""

    def decode(
        self, outputs: Tensors, transform: ImageTransform, thresholds: Thresholds
    ) -> Detections | SegmentationMask:
        """The head's result in pixels of the received image.

        Args:
            outputs: The model's outputs, in the shapes and dtypes of its spec.
            transform: Where the image lies in the network's input.
            thresholds: Limits of the detections; `per_class` names labels of this head only. Masks ignore them.

        Raises:
            FrameError: inference_failed: an output holds NaN, infinity or class ids that do not exist.
        """
