"""Small bags with truth, and a tiny model with both kinds of heads, for tests of validation."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from helpers.drive_bag import textured_image
from helpers.tiny_bag import LATENCY_NS, PERIOD_NS, START_NS, write_messages
from helpers.tiny_onnx import make_multi_head_onnx
from trt_perception.bag.bag_topic import BagMessage
from trt_perception.bag.bag_writer_options import BagWriterOptions
from trt_perception.bag.true_objects import TrueObjects
from trt_perception.bag.true_objects_message import TrueObjectsMessage, encode_true_objects
from trt_perception.cdr import (
    DETECTION_ARRAY_TYPE,
    IMAGE_TYPE,
    LABEL_INFO_TYPE,
    STRING_TYPE,
    LabelInfoMessage,
    encode_image,
    encode_label_info,
    encode_string,
)
from trt_perception.detections import Detections
from trt_perception.encoding import Encoding
from trt_perception.errors import MissingError
from trt_perception.frame import Frame
from trt_perception.model.load_spec import load_spec
from trt_perception.runtime.onnxruntime_backend import OnnxRuntimeBackend
from trt_perception.runtime.pipeline import Pipeline

HEIGHT, WIDTH = 48, 64
SCORE = 0.11
"""The tiny model's weights are random: at this score it finds some things in most images."""


class TinyPipeline:
    """Makes the pipeline of a tiny model; picklable."""

    def __init__(self, folder: Path, *, seed: int = 0) -> None:
        self.model = make_multi_head_onnx(folder / f"tiny_{seed}.onnx", seed=seed)

    def __call__(self) -> Pipeline:
        spec = load_spec(self.model)
        return Pipeline(spec, OnnxRuntimeBackend(spec, threads=1))


@dataclass
class FaultyPipeline:
    """Works in the parent process, and in others has a fault: ``death``, or else an error."""

    pipeline: TinyPipeline
    fault: str

    def __call__(self) -> Pipeline:
        if multiprocessing.parent_process() is not None:
            if self.fault == "death":
                os.kill(os.getpid(), signal.SIGKILL)
            raise MissingError("the GPU is gone", "plug it in")
        return self.pipeline()


def true_objects(boxes: Sequence[Sequence[float]], labels: Sequence[str], ignored: Sequence[bool] = ()) -> TrueObjects:
    """Fully visible objects."""
    count = len(labels)
    return TrueObjects(
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        labels=tuple(labels),
        track_ids=tuple(str(index) for index in range(count)),
        visible_fraction=np.ones(count, np.float32),
        truncation=np.zeros(count, np.float32),
        ignored=np.array(ignored or [False] * count, np.bool_),
    )


def likely_objects(found: Detections, key: int) -> TrueObjects:
    """Truth near what a model found: some of it moved, some missed, some ignored; every fifth image has none."""
    random = np.random.default_rng(3000 + key)
    kept = found.select(random.random(len(found)) < (0.0 if key % 5 == 4 else 0.5))
    boxes = kept.boxes + random.normal(0, 1.0, kept.boxes.shape).astype(np.float32)
    boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1)
    labels = [f"class_{class_id}" for class_id in kept.class_ids]
    return true_objects(boxes.tolist(), labels, (random.random(len(kept)) < 0.2).tolist())


def image_of(key: int) -> np.ndarray:
    """uint8 (h, w, 3), the image of that number in `scene_messages`."""
    return textured_image(key, height=HEIGHT, width=WIDTH)


def frame_of(key: int) -> Frame:
    """The same image as a frame."""
    return Frame(
        camera="front",
        stamp_ns=0,
        frame_id="",
        encoding=Encoding.BGR8,
        width=WIDTH,
        height=HEIGHT,
        step=3 * WIDTH,
        data=image_of(key).reshape(-1),
    )


def random_objects(index: int) -> TrueObjects:
    """Up to four objects; every fifth image has none."""
    random = np.random.default_rng(1000 + index)
    count = 0 if index % 5 == 4 else int(random.integers(1, 5))
    corner = random.uniform(0, (WIDTH / 2, HEIGHT / 2), (count, 2))
    boxes = np.hstack([corner, corner + random.uniform(4, 30, (count, 2))])
    labels = [f"class_{class_id}" for class_id in random.integers(0, 3, count)]
    return true_objects(boxes.tolist(), labels, (random.random(count) < 0.25).tolist())


def random_mask(index: int) -> np.ndarray:
    """uint8 (h, w) of four classes and 255."""
    blocks = np.random.default_rng(2000 + index).choice([0, 1, 2, 3, 255], (HEIGHT // 8, WIDTH // 8))
    return np.kron(blocks, np.ones((8, 8))).astype(np.uint8)


def scene_messages(
    cameras: Sequence[str] = ("front", "left"),
    *,
    count: int = 12,
    first: int = 0,
    truth: bool = True,
    masks: bool = True,
    conditions: Sequence[str] = ("day", "night"),
    truth_delay_ns: int = 0,
    objects: Callable[[int], TrueObjects] = random_objects,
) -> Iterator[BagMessage]:
    """Images with truth, and the condition in front of each half."""

    def message(topic: str, kind: str, time_ns: int, data: bytes) -> BagMessage:
        return BagMessage(topic=topic, type_name=kind, log_time_ns=time_ns, data=data)

    start_ns = START_NS + first * PERIOD_NS
    if masks and truth:
        labels = encode_label_info(
            LabelInfoMessage(
                stamp_ns=start_ns,
                frame_id="",
                class_map={index: f"class_{index}" for index in range(4)},
                threshold=0.0,
            )
        )
        for camera in cameras:
            yield message(f"/{camera}/ground_truth/label_info", LABEL_INFO_TYPE, start_ns, labels)
    step = -(-count // max(1, len(conditions)))
    for index in range(first, first + count):
        if conditions and (index - first) % step == 0:
            word = encode_string(conditions[(index - first) // step])
            yield message("/ground_truth/condition", STRING_TYPE, START_NS + index * PERIOD_NS, word)
        for number, camera in enumerate(cameras):
            stamp_ns = START_NS + index * PERIOD_NS + number * 1_000_000
            time_ns = stamp_ns + LATENCY_NS
            key = 100 * number + index
            data = encode_image(image_of(key), stamp_ns=stamp_ns, frame_id=f"{camera}_optical", encoding="bgr8")
            yield message(f"/{camera}/image_raw", IMAGE_TYPE, time_ns, data)
            if truth:
                found = TrueObjectsMessage(stamp_ns=stamp_ns, frame_id="", objects=objects(key))
                data = encode_true_objects(found)
                yield message(
                    f"/{camera}/ground_truth/detections", DETECTION_ARRAY_TYPE, time_ns + truth_delay_ns, data
                )
            if truth and masks:
                data = encode_image(random_mask(key), stamp_ns=stamp_ns, frame_id="", encoding="mono8")
                yield message(f"/{camera}/ground_truth/segmentation", IMAGE_TYPE, time_ns + truth_delay_ns, data)


def write_scene_bag(path: Path, messages: Iterator[BagMessage] | None = None, *, storage: str = "mcap") -> Path:
    """A bag of these messages in order of log time; by default of `scene_messages()`."""
    ordered = sorted(scene_messages() if messages is None else messages, key=lambda message: message.log_time_ns)
    return write_messages(path, iter(ordered), BagWriterOptions(storage=storage))
