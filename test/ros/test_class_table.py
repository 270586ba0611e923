"""Classes are renamed, numbered or left out as the pipeline's settings say."""

from __future__ import annotations

import numpy as np
import pytest

from trt_perception.detections import Detections
from trt_perception.errors import ConfigError
from trt_perception.ros.class_table import ClassTable, check_label_map
from trt_perception.segmentation_mask import UNLABELLED, SegmentationMask
from trt_perception.settings.pipeline_settings import ClassIdForm

LABELS = ("car", "truck", "sky", "person")


def _detections(*class_ids: int) -> Detections:
    count = len(class_ids)
    return Detections(
        boxes=np.arange(4 * count, dtype=np.float32).reshape(count, 4),
        scores=np.linspace(0.9, 0.5, count, dtype=np.float32),
        class_ids=np.array(class_ids, np.int32),
    )


def test_without_a_map_everything_is_published_as_it_is() -> None:
    table = ClassTable(LABELS, label_map={}, form=ClassIdForm.NAME)
    found = _detections(0, 3)
    assert table.filter_detections(found) is found
    assert table.class_ids == LABELS
    assert table.class_map == tuple(enumerate(LABELS))


def test_labels_are_renamed_and_empty_names_are_left_out() -> None:
    table = ClassTable(LABELS, label_map={"truck": "car", "sky": ""}, form=ClassIdForm.NAME)
    assert table.class_map == ((0, "car"), (1, "car"), (3, "person"))
    found = table.filter_detections(_detections(2, 1, 0, 2))
    assert [table.class_ids[index] for index in found.class_ids] == ["car", "car"]
    assert found.boxes.tolist() == [[4, 5, 6, 7], [8, 9, 10, 11]]


def test_indexes_are_the_keys_of_the_class_map() -> None:
    table = ClassTable(LABELS, label_map={"sky": ""}, form=ClassIdForm.INDEX)
    assert table.class_ids == ("0", "1", "2", "3")
    assert dict(table.class_map)[int(table.class_ids[3])] == "person"


def test_pixels_of_classes_left_out_become_unlabelled() -> None:
    table = ClassTable(LABELS, label_map={"sky": ""}, form=ClassIdForm.NAME)
    mask = SegmentationMask(class_ids=np.array([[0, 1], [2, 3], [UNLABELLED, 2]], np.uint8))
    assert table.filter_mask(mask).class_ids.tolist() == [[0, 1], [255, 3], [255, 255]]


def test_a_label_that_the_model_does_not_have_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"pipeline detect: label_map\.lorry: the model has no such label.*truck"):
        check_label_map({"lorry": "truck"}, LABELS, pipeline="detect")
