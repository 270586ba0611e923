"""Objects are counted by size and class, and found only by a confident detection of their own class."""

from __future__ import annotations

import numpy as np
import pytest

from training.evaluated_image import EvaluatedImage
from training.recall_by_size import recall_by_size
from trt_perception.detections import Detections
from trt_perception.validate.confusion_matrix import ConfusionMatrix
from trt_perception.validate.image_truth import ImageTruth

BOX = (100.0, 100.0, 160.0, 130.0)  # 60 x 30 px


def _image(box: tuple[float, ...], score: float, class_id: int, *, ignored: bool = False) -> EvaluatedImage:
    return EvaluatedImage(
        detections=Detections(
            boxes=np.array([box], np.float32),
            scores=np.array([score], np.float32),
            class_ids=np.array([class_id], np.int32),
        ),
        truth=ImageTruth(
            boxes=np.array([BOX], np.float32), class_ids=np.zeros(1, np.int32), ignored=np.array([ignored])
        ),
        confusion=ConfusionMatrix(3),
        condition="day",
    )


@pytest.mark.parametrize(
    ("image", "objects", "recall"),
    [
        pytest.param(_image(BOX, 0.3, 0), 1, 1.0, id="found"),
        pytest.param(_image(BOX, 0.29, 0), 1, 0.0, id="too_unsure"),
        pytest.param(_image(BOX, 0.9, 1), 1, 0.0, id="other_class"),
        pytest.param(_image((100, 100, 160, 114), 0.9, 0), 1, 0.0, id="overlaps_too_little"),
        pytest.param(_image((100, 100, 160, 116), 0.9, 0), 1, 1.0, id="overlaps_by_half"),
        pytest.param(_image(BOX, 0.9, 0, ignored=True), 0, None, id="ignored"),
    ],
)
def test_counts_objects_found(image: EvaluatedImage, objects: int, recall: float | None) -> None:
    assert recall_by_size([image])["car"]["20 to 40 px"] == {"objects": objects, "recall": recall}


def test_sums_over_images_and_leaves_other_sizes_and_classes_empty() -> None:
    result = recall_by_size([_image(BOX, 0.9, 0), _image(BOX, 0.1, 0)])
    assert result["car"]["20 to 40 px"] == {"objects": 2, "recall": 0.5}
    assert result["car"]["40 px and more"] == {"objects": 0, "recall": None}
    assert result["animal"]["20 to 40 px"] == {"objects": 0, "recall": None}
