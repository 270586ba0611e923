"""Pictures of the synthetic drive that no model has learnt from: to judge by, and others to calibrate on."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from trt_perception.demo.condition import Condition
from trt_perception.demo.drive import Drive
from trt_perception.demo.drive_folder import write_drive_folder
from trt_perception.demo.drive_options import DriveOptions
from trt_perception.demo.ground_truth import GroundTruth
from trt_perception.demo.ignore_rule import IgnoreRule
from trt_perception.encoding import Encoding
from trt_perception.frame import Frame
from trt_perception.model.model_spec import HeadSpec
from trt_perception.validate.image_truth import ImageTruth
from trt_perception.validate.truth_of_image import TruthOfImage

JUDGE_SEED = 20000
"""Of the first drive to judge by: those of training/evaluate.py."""
CALIBRATION_SEED = 30000
"""Of the first drive to calibrate on: neither learnt from nor judged by."""
SECONDS_PER_INSTANT = 5.0
CAMERAS = 6


@dataclass(frozen=True, kw_only=True)
class PictureSet:
    """How many pictures to judge by: CAMERAS x instants x drives of each condition.

    Args:
        drives: Drives of each condition.
        instants: Instants of a drive.
        width: Of a picture, px.
        height: Of a picture, px.
    """

    drives: int = 12
    instants: int = 4
    width: int = 960
    height: int = 544

    def jobs(self) -> list[DriveOptions]:
        """One drive each; seeds and strengths as training/evaluate.py has them."""
        return [
            self._drive(condition, kind, number)
            for number in range(self.drives)
            for kind, condition in enumerate(Condition)
        ]

    def _drive(self, condition: Condition, kind: int, number: int) -> DriveOptions:
        seed = JUDGE_SEED + kind * 100 + number
        return DriveOptions(
            seed=seed,
            cameras=CAMERAS,
            duration_s=self.instants * SECONDS_PER_INSTANT,
            rate_hz=1.0 / SECONDS_PER_INSTANT,
            width=self.width,
            height=self.height,
            condition=condition,
            strength=float(np.random.default_rng(seed).uniform(0.2, 1.0)),
        )


def pictures(options: DriveOptions) -> Iterator[tuple[Frame, GroundTruth]]:
    """All cameras at all instants of one drive."""
    for sample in Drive(options=options):
        for camera, image in sample.images.items():
            frame = Frame(
                camera=camera,
                stamp_ns=sample.stamp_ns,
                frame_id="",
                encoding=Encoding.BGR8,
                width=image.shape[1],
                height=image.shape[0],
                step=image.shape[1] * 3,
                data=np.ascontiguousarray(image).ravel(),
            )
            yield frame, sample.truth[camera]


def truth_of(truth: GroundTruth, heads: tuple[HeadSpec, ...], *, knows_drive: bool) -> TruthOfImage:
    """The truth for the heads of a model; none where the model does not know the drive's classes."""
    if not knows_drive:
        return TruthOfImage()
    objects = ImageTruth(boxes=truth.boxes, class_ids=truth.class_ids, ignored=~IgnoreRule().evaluated(truth))
    return TruthOfImage(
        objects={head.name: objects for head in heads if head.kind.is_detection},
        masks={head.name: truth.mask for head in heads if not head.kind.is_detection},
    )


def draw_calibration(folder: Path, *, drives: int, instants: int, processes: int, size: tuple[int, int]) -> int:
    """Write drives of mixed weather as folders of images, one a drive; returns how many pictures.

    Args:
        folder: Where; a drive that is there already is kept.
        drives: How many drives.
        instants: Instants of a drive, six cameras each.
        processes: Processes that draw.
        size: Width and height of a picture, px.
    """
    folder.mkdir(parents=True, exist_ok=True)
    jobs = [(folder / f"drive_{number:03}", number, instants, size) for number in range(drives)]
    with multiprocessing.get_context("spawn").Pool(min(processes, drives)) as pool:
        return sum(pool.imap_unordered(_draw, jobs))


def _draw(job: tuple[Path, int, int, tuple[int, int]]) -> int:
    path, number, instants, (width, height) = job
    if not path.exists():
        cv2.setNumThreads(1)  # one process a core already
        options = DriveOptions(
            seed=CALIBRATION_SEED + number,
            cameras=CAMERAS,
            duration_s=instants * SECONDS_PER_INSTANT,
            rate_hz=1.0 / SECONDS_PER_INSTANT,
            width=width,
            height=height,
            condition="mixed",
        )
        write_drive_folder(Drive(options=options), path)
    return instants * CAMERAS
