"""Bags of small textured images under changing conditions, for what chooses and runs frames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from helpers.tiny_bag import LATENCY_NS, PERIOD_NS, START_NS, write_messages
from trt_perception.bag.bag_topic import BagMessage
from trt_perception.cdr import IMAGE_TYPE, STRING_TYPE, encode_image, encode_string


def textured_image(index: int, *, mean: float = 120.0, height: int = 24, width: int = 32) -> np.ndarray:
    """uint8 (h, w, 3) of noise around a mean, another for every index."""
    noise = np.random.default_rng(index).normal(mean, 20, (height, width, 3))
    return np.clip(noise, 0, 255).astype(np.uint8)


def write_drive_bag(
    path: Path,
    *,
    cameras: Sequence[str] = ("front", "left"),
    scenes: Sequence[tuple[str, float]] = (("day", 120.0), ("night", 25.0)),
    each: int = 10,
    broken: Sequence[int] = (),
    constant: Sequence[int] = (),
    told: bool = True,
) -> Path:
    """A bag of scenes, each a condition and a brightness, of `each` images a camera.

    Args:
        broken: Indices whose messages are cut short, of every camera.
        constant: Indices whose images are black, of every camera.
        told: Whether the bag says which condition it is.
    """
    messages = []
    for index in range(each * len(scenes)):
        condition, mean = scenes[index // each]
        time_ns = START_NS + index * PERIOD_NS
        if told and index % each == 0:
            messages.append(("/ground_truth/condition", STRING_TYPE, time_ns, encode_string(condition)))
        for number, camera in enumerate(cameras):
            stamp_ns = time_ns + number * 1_000_000
            image = textured_image(1000 * number + index, mean=mean)
            image[:] = 0 if index in constant else image
            data = encode_image(image, stamp_ns=stamp_ns, frame_id=camera, encoding="bgr8")
            data = data[: len(data) // 2] if index in broken else data
            messages.append((f"/{camera}/image_raw", IMAGE_TYPE, stamp_ns, data))
    return write_messages(
        path,
        (
            BagMessage(topic=topic, type_name=kind, log_time_ns=time_ns + LATENCY_NS, data=data)
            for topic, kind, time_ns, data in messages
        ),
    )
