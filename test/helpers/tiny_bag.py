"""Bags of a few tiny messages, written by the package's writer, to be read or damaged by tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from trt_perception.bag.bag_topic import BagMessage
from trt_perception.bag.bag_writer import BagWriter
from trt_perception.bag.bag_writer_options import BagWriterOptions
from trt_perception.cdr import IMAGE_TYPE, TRANSFORMS_TYPE, TransformRecord, encode_image, encode_transforms

START_NS = 1_700_000_000_000_000_000
PERIOD_NS = 100_000_000
LATENCY_NS = 7_000_000


def tiny_image(index: int, *, height: int = 6, width: int = 8) -> np.ndarray:
    """uint8 (h, w, 3) that tells its index: every pixel is it, modulo 256."""
    return np.full((height, width, 3), index % 256, np.uint8)


def tiny_messages(
    cameras: Sequence[str] = ("front", "left"), *, first: int = 0, count: int = 4, height: int = 6, width: int = 8
) -> Iterator[BagMessage]:
    """bgr8 images of each camera, 100 ms apart, logged 7 ms after their stamps; later cameras 1 ms later each."""
    for index in range(first, first + count):
        for number, camera in enumerate(cameras):
            stamp_ns = START_NS + index * PERIOD_NS + number * 1_000_000
            image = tiny_image(index, height=height, width=width)
            yield BagMessage(
                topic=f"/{camera}/image_raw",
                type_name=IMAGE_TYPE,
                log_time_ns=stamp_ns + LATENCY_NS,
                data=encode_image(image, stamp_ns=stamp_ns, frame_id=f"{camera}_optical", encoding="bgr8"),
            )


def write_messages(path: Path, messages: Iterator[BagMessage], options: BagWriterOptions | None = None) -> Path:
    """A bag of these messages, and one /tf_static in front."""
    messages = list(messages)
    with BagWriter(path, options=options) as writer:
        writer.add_topic("/tf_static", TRANSFORMS_TYPE, latched=True)
        for topic, type_name in sorted({(message.topic, message.type_name) for message in messages}):
            writer.add_topic(topic, type_name)
        if messages:
            mount = TransformRecord(
                stamp_ns=START_NS,
                frame_id="base_link",
                child_frame_id="front_optical",
                translation=(1.0, 0.0, 1.5),
                rotation=(0.0, 0.0, 0.0, 1.0),
            )
            writer.write("/tf_static", encode_transforms([mount]), log_time_ns=messages[0].log_time_ns)
        for message in messages:
            writer.write(message.topic, message.data, log_time_ns=message.log_time_ns)
    return path


def write_tiny_bag(path: Path, options: BagWriterOptions | None = None, *, count: int = 4) -> Path:
    """A bag of the cameras front and left."""
    return write_messages(path, tiny_messages(count=count), options)
