"""Recorded messages as results."""

from __future__ import annotations

import numpy as np

from trt_perception.bag.bag_topic import BagMessage
from trt_perception.cdr.detection_array import DetectionArrayEncoder
from trt_perception.cdr.image_message import encode_image
from trt_perception.demo.live_results import TopicContent, collect_results
from trt_perception.detections import Detections
from trt_perception.segmentation_mask import SegmentationMask

LABELS = ("car", "truck")
CONTENTS = {
    "front/detections": TopicContent(camera="front", head="objects", labels=LABELS, is_detection=True),
    "front/segmentation": TopicContent(camera="front", head="road", labels=("other", "road"), is_detection=False),
}


def message(topic: str, received_ns: int, data: bytes) -> BagMessage:
    return BagMessage(topic=topic, type_name="", log_time_ns=received_ns, data=data)


def test_joins_the_heads_of_one_frame() -> None:
    found = Detections(
        boxes=np.array([[10, 20, 50, 80], [0, 0, 7, 9]], np.float32),
        scores=np.array([0.75, 0.5], np.float32),
        class_ids=np.array([1, 0], np.int32),
    )
    mask = np.arange(6, dtype=np.uint8).reshape(2, 3)
    encoder = DetectionArrayEncoder(LABELS)
    boxes = encoder.encode(found, stamp_ns=5, frame_id="front_optical")
    nothing = encoder.encode(Detections.empty(), stamp_ns=6, frame_id="front_optical")
    results = collect_results(
        [
            message("front/detections", 100, boxes),
            message("front/segmentation", 130, encode_image(mask, stamp_ns=5, frame_id="", encoding="mono8")),
            message("front/detections", 200, nothing),
        ],
        CONTENTS,
    )
    first = results["front"][5]
    objects, road = first.heads["objects"], first.heads["road"]
    assert first.received_ns == 100
    assert isinstance(objects, Detections)
    assert isinstance(road, SegmentationMask)
    assert np.allclose(objects.boxes, found.boxes)
    assert objects.scores.tolist() == [0.75, 0.5]
    assert objects.class_ids.tolist() == [1, 0]
    assert np.array_equal(road.class_ids, mask)
    assert len(results["front"][6].heads["objects"]) == 0  # type: ignore[arg-type]
