"""Long messages of the smallest elements stay within the bound that the short, damaged ones are held to."""

from __future__ import annotations

import tracemalloc

import pytest
from helpers.cdr_messages import READERS
from helpers.fuzz_targets import TARGETS

from trt_perception.cdr import (
    DetectionArrayMessage,
    DetectionRecord,
    LabelInfoMessage,
    TransformRecord,
    encode_detection_array,
    encode_label_info,
    encode_transforms,
)

COUNT = 5000

_SMALLEST = DetectionRecord(stamp_ns=0, frame_id="", results=(), center_x=0, center_y=0, size_x=0, size_y=0)
_TRANSFORM = TransformRecord(stamp_ns=0, frame_id="", child_frame_id="", translation=(0, 0, 0), rotation=(0, 0, 0, 1))

MESSAGES = {
    "detections": encode_detection_array(
        DetectionArrayMessage(stamp_ns=0, frame_id="", detections=(_SMALLEST,) * COUNT)
    ),
    "transforms": encode_transforms((_TRANSFORM,) * COUNT),
    "label_info": encode_label_info(
        LabelInfoMessage(stamp_ns=0, frame_id="", class_map=dict.fromkeys(range(COUNT), "x"), threshold=0)
    ),
}
MESSAGES["true_objects"] = MESSAGES["detections"]


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_many_small_elements(name: str) -> None:
    bound_bytes = next(target.bound_bytes for target in TARGETS if target.name == name)
    tracemalloc.start()
    try:
        READERS[name](MESSAGES[name])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= bound_bytes(len(MESSAGES[name]))
