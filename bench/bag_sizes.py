"""Memory of `validate` on bags of different sizes, for bench/validate.py.

The bags hold one raw picture again and again. The model's outputs are those of the demo model for that picture, kept:
a frame then costs what validation costs, and there is as much to keep and to compare as on a drive. Each bag is
validated in a process of its own, and removed before the next one is made.
"""

from __future__ import annotations

import multiprocessing
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from result_file import ROOT, ResultTable

from trt_perception.bag.bag_writer import BagWriter
from trt_perception.bag.true_objects import TrueObjects
from trt_perception.bag.true_objects_message import TrueObjectsMessage, encode_true_objects
from trt_perception.cdr import DETECTION_ARRAY_TYPE, IMAGE_TYPE, encode_image
from trt_perception.errors import InputError
from trt_perception.model.load_spec import load_spec
from trt_perception.ros.private_memory import private_memory_mb
from trt_perception.runtime.backend import Tensors
from trt_perception.runtime.onnxruntime_backend import OnnxRuntimeBackend
from trt_perception.runtime.pipeline import Pipeline
from trt_perception.validate.run_folder import RunFolder
from trt_perception.validate.validate_run import validate_run

MODEL = ROOT / "trt_perception" / "demo" / "model" / "demo_model.onnx"
WIDTH, HEIGHT = 640, 360
START_NS = 1_700_000_000_000_000_000
PERIOD_NS = 50_000_000
GOAL_MB = 1.0
FIGURES_GOAL_MB = 20.0
"""What the figures at the end may take beside the run, of any bag: they do not grow with it."""
SAMPLE_S = 0.2
SPARE = 1.3
"""Free space that is asked for, in sizes of the bag: results take some, too."""


class KeptBackend(OnnxRuntimeBackend):
    """Computes its first frame, and says the same of every other."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._kept: Tensors = {}

    def infer(self, inputs: Tensors) -> Tensors:
        """The outputs of the first frame."""
        if not self._kept:
            self._kept = super().infer(inputs)
        return {name: array.copy() for name, array in self._kept.items()}


def make_pipeline() -> Pipeline:
    """The demo model that computes once."""
    spec = load_spec(MODEL)
    return Pipeline(spec, KeptBackend(spec))


def table(gigabytes: Sequence[float], picture: bytes, truth: TrueObjects) -> ResultTable:
    """Validate a bag of each size.

    Args:
        gigabytes: Sizes, 10^9 bytes of pictures.
        picture: A JPEG file; the bags hold it unpacked and smaller.
        truth: What stands in it.

    Raises:
        InputError: The disk has no room for the largest.
    """
    rows = []
    for size in gigabytes:
        with tempfile.TemporaryDirectory(prefix="bench_validate_") as name:
            if shutil.disk_usage(name).free < size * SPARE * 1e9:
                raise InputError(f"{name}: expected {size * SPARE:g} GB of free space; set TMPDIR to a larger disk")
            write_bag(Path(name) / "drive", int(size * 1e9) // (WIDTH * HEIGHT * 3), picture, truth)
            # In a process of its own: what an earlier run left in the allocator would hide the growth of this one.
            with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
                rows.append({"gb": size, **executor.submit(measured, Path(name)).result()})
        print(rows[-1])
    goals = [
        f"below {GOAL_MB} MB per 1,000 frames, bag of {row['gb']:g} GB: {row['slope']:.2f} MB, "
        f"{'held' if row['slope'] < GOAL_MB else 'missed'}"
        for row in rows
    ]
    goals += [
        f"figures within {FIGURES_GOAL_MB:g} MB, bag of {row['gb']:g} GB: {row['peak_mb'] - row['last_mb']:.1f} MB, "
        f"{'held' if row['peak_mb'] - row['last_mb'] <= FIGURES_GOAL_MB else 'missed'}"
        for row in rows
    ]
    return ResultTable(
        question="Private memory of one process that validates bags of different sizes, raw pictures of 640x360.",
        columns={
            "gb": "bag, GB",
            "frames": "frames",
            "frames_per_s": "frames/s",
            "first_mb": "after 100 frames, MB",
            "last_mb": "after the last frame, MB",
            "peak_mb": "most, figures included, MB",
            "slope": "slope, MB per 1,000 frames",
        },
        rows=rows,
        goals=goals,
    )


def write_bag(path: Path, frames: int, picture: bytes, truth: TrueObjects) -> None:
    """One camera at 20 Hz, with truth."""
    image = cv2.resize(cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR), (WIDTH, HEIGHT))
    with BagWriter(path) as writer:
        writer.add_topic("/front/image_raw", IMAGE_TYPE)
        writer.add_topic("/front/ground_truth/detections", DETECTION_ARRAY_TYPE)
        for index in range(frames):
            stamp_ns = START_NS + index * PERIOD_NS
            data = encode_image(image, stamp_ns=stamp_ns, frame_id="front", encoding="bgr8")
            objects = encode_true_objects(TrueObjectsMessage(stamp_ns=stamp_ns, frame_id="front", objects=truth))
            writer.write("/front/image_raw", data, log_time_ns=stamp_ns)
            writer.write("/front/ground_truth/detections", objects, log_time_ns=stamp_ns)


def measured(folder: Path) -> Mapping[str, float]:
    """Validate the bag in a folder, and look at this process's memory."""
    samples: list[float] = []

    def progress(done: int, total: int) -> None:
        if done and (done % 100 == 0 or done == total):
            samples.append(private_memory_mb())

    with peak() as most:
        metrics = validate_run([folder / "drive"], make_pipeline, folder / "out", progress=progress)
    return {
        "frames": metrics.ledger.processed,
        "frames_per_s": RunFolder(folder / "out").timings()["frames_per_s"],
        "first_mb": samples[0],
        "last_mb": samples[-1],
        "peak_mb": most[0],
        "slope": slope(samples),
    }


@contextmanager
def peak() -> Iterator[list[float]]:
    """The most memory that is seen meanwhile, MB."""
    most, ended = [private_memory_mb()], threading.Event()

    def watch() -> None:
        while not ended.wait(SAMPLE_S):
            most[0] = max(most[0], private_memory_mb())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield most
    finally:
        ended.set()
        thread.join()


def slope(samples: Sequence[float]) -> float:
    """MB per 1,000 frames through samples of every 100, over the last 80 % of them."""
    kept = np.array(samples[len(samples) // 5 :])
    return float(np.polyfit(np.arange(len(kept)), kept, 1)[0]) * 10.0
