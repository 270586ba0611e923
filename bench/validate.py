"""How fast `validate` is beside the pipeline alone, and whether its memory stays flat.

    python bench/validate.py [--frames 1200] [--gigabytes 1 10]

One process, the demo model in ONNX Runtime, a bag of compressed images of two cameras with truth. The ratio is taken
inside one run, so that what else the machine does hits both sides: the time that the pipeline's own stages took, of the
time of the whole run, figures and files included, loading the model not. Memory is the private memory of the process
after each 100 frames, and its slope the line of least squares through the last 80 % of the samples. With --gigabytes,
memory on bags of these sizes, too (bag_sizes.py): they are made and removed again, below TMPDIR.
"""

from __future__ import annotations

import argparse
import functools
import json
import statistics
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from bag_sizes import GOAL_MB, slope, table
from result_file import ROOT, ResultFile

from trt_perception.bag.bag_writer import BagWriter
from trt_perception.bag.true_objects import TrueObjects
from trt_perception.bag.true_objects_message import TrueObjectsMessage, encode_true_objects
from trt_perception.cdr import (
    COMPRESSED_IMAGE_TYPE,
    DETECTION_ARRAY_TYPE,
    encode_compressed_image,
    parse_compressed_image,
)
from trt_perception.detections import Detections
from trt_perception.model.load_spec import load_spec
from trt_perception.ros.private_memory import private_memory_mb
from trt_perception.runtime.onnxruntime_backend import OnnxRuntimeBackend
from trt_perception.runtime.pipeline import Pipeline
from trt_perception.validate.segment_pool import validation_pipeline
from trt_perception.validate.validate_run import validate_run
from trt_perception.validate.validation_options import ValidationOptions

MODEL = ROOT / "trt_perception" / "demo" / "model" / "demo_model.onnx"
CAMERAS = ("front", "left")
PICTURES = 20
WIDTH, HEIGHT = 960, 540
START_NS = 1_700_000_000_000_000_000
GOAL_RATIO = 0.8
ROUNDS = 3


def make_pipeline() -> Pipeline:
    """The demo model on the CPU."""
    spec = load_spec(MODEL)
    return Pipeline(spec, OnnxRuntimeBackend(spec))


def pictures() -> list[bytes]:
    """JPEG files of coloured rectangles on noise."""
    files = []
    for index in range(PICTURES):
        random = np.random.default_rng(index)
        image = cv2.GaussianBlur(random.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8), (9, 9), 3)
        for _ in range(8):
            x, y = random.integers(0, WIDTH - 120), random.integers(HEIGHT // 3, HEIGHT - 80)
            colour = tuple(int(value) for value in random.integers(0, 256, 3))
            cv2.rectangle(image, (int(x), int(y)), (int(x) + 100, int(y) + 60), colour, -1)
        files.append(cv2.imencode(".jpg", image)[1].tobytes())
    return files


def truth_of(files: list[bytes]) -> list[TrueObjects]:
    """What the model finds in each picture, so that there is as much to compare as on a drive."""
    truth = []
    with validation_pipeline(make_pipeline, ValidationOptions()) as pipeline:
        labels = pipeline.spec.heads[0].labels
        for data in files:
            message = encode_compressed_image(data, stamp_ns=0, frame_id="", format="jpeg")
            result = pipeline.process([parse_compressed_image(message, "front")])
            found = next(head for head in result.heads.values() if isinstance(head, Detections))
            count = len(found)
            truth.append(
                TrueObjects(
                    boxes=found.boxes,
                    labels=tuple(labels[class_id] for class_id in found.class_ids),
                    track_ids=("",) * count,
                    visible_fraction=np.ones(count, np.float32),
                    truncation=np.zeros(count, np.float32),
                    ignored=np.zeros(count, np.bool_),
                )
            )
    return truth


def write_bag(path: Path, files: list[bytes], truth: list[TrueObjects], frames: int) -> Path:
    """Both cameras at 10 Hz."""
    with BagWriter(path) as writer:
        for camera in CAMERAS:
            writer.add_topic(f"/{camera}/image_raw/compressed", COMPRESSED_IMAGE_TYPE)
            writer.add_topic(f"/{camera}/ground_truth/detections", DETECTION_ARRAY_TYPE)
        for index in range(frames):
            camera = CAMERAS[index % 2]
            stamp_ns = START_NS + index // 2 * 100_000_000 + index % 2 * 1_000_000
            image = encode_compressed_image(files[index % PICTURES], stamp_ns=stamp_ns, frame_id=camera, format="jpeg")
            objects = TrueObjectsMessage(stamp_ns=stamp_ns, frame_id=camera, objects=truth[index % PICTURES])
            writer.write(f"/{camera}/image_raw/compressed", image, log_time_ns=stamp_ns)
            writer.write(f"/{camera}/ground_truth/detections", encode_true_objects(objects), log_time_ns=stamp_ns)
    return path


def validated(bag: Path, out: Path, memory: list[float]) -> tuple[float, float]:
    """Frames a second of the pipeline's stages alone, and of the whole validation."""

    def progress(done: int, total: int) -> None:
        if done and done % 100 == 0:
            memory.append(private_memory_mb())

    validate_run([bag], functools.partial(make_pipeline), out, options=ValidationOptions(), progress=progress)
    timings = json.loads((out / "timings.json").read_text())
    return 1000.0 / timings["stages_ms"]["all"]["total"]["mean"], timings["frames_per_s"]


def main() -> int:
    """Measure, print, write docs/results/validate.json; 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=1200, help="frames of the bag whose memory is looked at")
    parser.add_argument("--gigabytes", type=float, nargs="+", default=[], help="sizes of the bags of the memory table")
    arguments = parser.parse_args()
    frames, gigabytes = arguments.frames, arguments.gigabytes
    files = pictures()
    truth = truth_of(files)
    ratios, speeds = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        short = write_bag(folder / "short", files, truth, 200)
        for number in range(ROUNDS):
            speeds.append(validated(short, folder / f"out_{number}", []))
            ratios.append(speeds[-1][1] / speeds[-1][0])
        memory: list[float] = []
        validated(write_bag(folder / "long", files, truth, frames), folder / "out_long", memory)
    tables = {"memory": table(gigabytes, files[0], truth[0])} if gigabytes else {}
    ratio, growth = statistics.median(ratios), slope(memory)
    held = ratio >= GOAL_RATIO and growth < GOAL_MB
    held = held and all(goal.endswith("held") for found in tables.values() for goal in found.goals)
    result = ResultFile(
        name="validate",
        question="Frames a second of validate in one process beside the pipeline alone, and growth of its memory.",
        command=" ".join(["python bench/validate.py", *sys.argv[1:]]),
        columns={"round": "round", "alone": "pipeline, frames/s", "validate": "validate, frames/s", "ratio": "ratio"},
        rows=[
            {"round": number, "alone": one, "validate": other, "ratio": other / one}
            for number, (one, other) in enumerate(speeds, start=1)
        ],
        goals=[
            f"at least {GOAL_RATIO} of the pipeline: {ratio:.2f}, {'held' if ratio >= GOAL_RATIO else 'missed'}",
            f"below {GOAL_MB} MB per 1,000 frames, of {frames}: {growth:.2f} MB, "
            f"{'held' if growth < GOAL_MB else 'missed'}",
        ],
        tables=tables,
    )
    print(
        f"{result.write()}: {'; '.join([*result.goals, *(goal for found in tables.values() for goal in found.goals)])}"
    )
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
