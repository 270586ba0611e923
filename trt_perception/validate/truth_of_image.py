"""What is really in one image, for every head of a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from trt_perception.validate.image_truth import ImageTruth


@dataclass(frozen=True, kw_only=True, eq=False)
class TruthOfImage:
    """The truth by head name; a head that is not named has none.

    Args:
        objects: Of detection heads; class ids are those of the head's labels.
        masks: Of mask heads: uint8 (h, w), class ids of the head's labels, 255 where nobody knows.
    """

    objects: Mapping[str, ImageTruth] = field(default_factory=dict)
    masks: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)
