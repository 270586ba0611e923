"""Runs of validate on bags that a test has damaged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from helpers.validation_bag import SCORE, TinyPipeline, scene_messages, write_scene_bag
from trt_perception.bag.bag_topic import BagMessage
from trt_perception.validate.validate_run import validate_run
from trt_perception.validate.validation_metrics import ValidationMetrics
from trt_perception.validate.validation_options import ValidationOptions

OPTIONS = ValidationOptions(score=SCORE)
FRONT = "/front/image_raw"
COUNT = 6
"""Frames of the camera front, the only one of these bags."""


def messages(**options: Any) -> list[BagMessage]:
    return list(scene_messages(("front",), count=COUNT, **options))


def images(found: list[BagMessage]) -> list[int]:
    return [index for index, message in enumerate(found) if message.topic == FRONT]


def run(folder: Path, found: list[BagMessage], pipeline: TinyPipeline, *, storage: str = "mcap") -> ValidationMetrics:
    bag = write_scene_bag(folder / "bag", iter(found), storage=storage)
    return validate_run([bag], pipeline, folder / "out", options=OPTIONS)
