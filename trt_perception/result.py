"""What one pipeline made of one set of frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from trt_perception.detections import Detections
from trt_perception.segmentation_mask import SegmentationMask

HeadResult = Detections | SegmentationMask


@dataclass(frozen=True, kw_only=True)
class StageTimes:
    """Host time of each stage of one frame, nanoseconds of a steady clock's difference; 0 = not run."""

    decode_ns: int = 0
    preprocess_ns: int = 0
    inference_ns: int = 0
    postprocess_ns: int = 0

    @property
    def total_ns(self) -> int:
        """All stages together."""
        return self.decode_ns + self.preprocess_ns + self.inference_ns + self.postprocess_ns


@dataclass(frozen=True, kw_only=True)
class StageStamps:
    """When each stage of one frame ended, on the steady clock, ns; 0 = not run. In the order of the stages."""

    image_decoded_ns: int = 0
    uploaded_ns: int = 0
    preprocessed_ns: int = 0
    inferred_ns: int = 0
    decoded_ns: int = 0


@dataclass(frozen=True, kw_only=True)
class Result:
    """The heads' results for one set of frames, in pixels of the first source's image.

    Args:
        heads: By head name, in the model's order.
        times: Where the time went.
        image_size: Width and height of the first source's image, px; None where nobody has read it.
        stamps: When each stage ended; None where nobody traces.
        picture: uint8 (h, w, 3), BGR: the first source's image with the results drawn into it, where the pipeline does
            that and was asked; else None.
    """

    heads: Mapping[str, HeadResult]
    times: StageTimes = field(default_factory=StageTimes)
    image_size: tuple[int, int] | None = None
    stamps: StageStamps | None = None
    picture: NDArray[np.uint8] | None = field(default=None, repr=False, compare=False)
