"""The classes of one head as they are published: names or indexes, renamed, or left out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from trt_perception.detections import Detections
from trt_perception.errors import ConfigError
from trt_perception.segmentation_mask import UNLABELLED, SegmentationMask
from trt_perception.settings.pipeline_settings import ClassIdForm


class ClassTable:
    """Published names of one head's classes.

    Args:
        labels: The model's labels.
        label_map: Published name by label, where it differs; an empty name leaves the class out.
        form: What stands in a detection's class_id.
    """

    def __init__(self, labels: tuple[str, ...], *, label_map: Mapping[str, str], form: ClassIdForm) -> None:
        names = [label_map.get(label, label) for label in labels]
        self.class_map = tuple((index, name) for index, name in enumerate(names) if name)
        """Index and published name of every class that is not left out: what label_info lists."""
        self.class_ids = tuple(names) if form is ClassIdForm.NAME else tuple(str(index) for index in range(len(names)))
        """What stands in a detection's class_id, by class index."""
        self.left_out = frozenset(index for index, name in enumerate(names) if not name)
        """Indexes of the classes that are left out."""
        self._is_published = np.array([bool(name) for name in names], np.bool_)
        self._mask_table = np.full(256, UNLABELLED, np.uint8)
        for index, _ in self.class_map[:UNLABELLED]:
            self._mask_table[index] = index
        self._all_published = bool(self._is_published.all())

    def filter_detections(self, detections: Detections) -> Detections:
        """The detections of published classes."""
        if self._all_published:
            return detections
        return detections.select(self._is_published[detections.class_ids])

    def filter_mask(self, mask: SegmentationMask) -> SegmentationMask:
        """The mask with pixels of classes that are left out unlabelled."""
        if self._all_published:
            return mask
        return SegmentationMask(class_ids=self._mask_table[mask.class_ids])


def check_label_map(label_map: Mapping[str, str], labels: tuple[str, ...], *, pipeline: str) -> None:
    """Check that every renamed label is one of the model's.

    Raises:
        ConfigError: One is not; names those that are.
    """
    for label in label_map:
        if label not in labels:
            raise ConfigError(
                f"pipeline {pipeline}: label_map.{label}", "the model has no such label", f"it has {', '.join(labels)}"
            )
