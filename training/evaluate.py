"""Evaluate an ONNX with ONNX Runtime, through the package's own pipeline, on drives of held-out seeds.

python3 -m training.evaluate demo_model.onnx --output metrics.json
python3 -m training.evaluate demo_model_rgb_ir.onnx --output metrics_rgb_ir.json --conditions night
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from training.evaluated_image import EvaluatedImage, evaluated_image
from training.metrics import headline, summarize
from trt_perception.demo.condition import Condition
from trt_perception.demo.drive import Drive
from trt_perception.demo.drive_options import DriveOptions
from trt_perception.detections import Detections
from trt_perception.encoding import Encoding
from trt_perception.frame import Frame
from trt_perception.model.load_spec import load_spec
from trt_perception.runtime.backend import BackendKind
from trt_perception.runtime.make_backend import make_backend
from trt_perception.runtime.pipeline import Pipeline
from trt_perception.segmentation_mask import SegmentationMask
from trt_perception.thresholds import Thresholds

THRESHOLDS = Thresholds(score=0.01, nms_iou=0.6, max_detections=100)
"""Low, so that the whole precision-recall curve is seen; in use 0.3 is usual."""
SECONDS_PER_INSTANT = 5.0


@dataclass(frozen=True, kw_only=True)
class EvaluationOptions:
    """One evaluation.

    Args:
        model: ONNX or YAML of the model.
        first_seed: Seed of the first drive; held out of training.
        drives: Drives of each condition.
        instants: Instants of a drive, far enough apart to differ; all six cameras see each.
        conditions: Which conditions.
    """

    model: Path
    first_seed: int
    drives: int
    instants: int
    conditions: tuple[Condition, ...]


def drive_options(options: EvaluationOptions, condition: Condition, number: int) -> DriveOptions:
    """Drive `number` of a condition; each condition has seeds of its own, and strengths from 0.2 to 1."""
    seed = options.first_seed + list(Condition).index(condition) * 100 + number
    return DriveOptions(
        seed=seed,
        duration_s=options.instants * SECONDS_PER_INSTANT,
        rate_hz=1.0 / SECONDS_PER_INSTANT,
        condition=condition,
        strength=float(np.random.default_rng(seed).uniform(0.2, 1.0)),
    )


def evaluate_drive(arguments: tuple[EvaluationOptions, Condition, int]) -> list[EvaluatedImage]:
    """All cameras at all instants of one drive."""
    options, condition, number = arguments
    cv2.setNumThreads(1)  # one process a core already
    drive = Drive(options=drive_options(options, condition, number))
    spec = load_spec(options.model)
    backend = make_backend(BackendKind.ONNXRUNTIME, spec, threads=1)
    images = []
    with Pipeline(spec, backend, thresholds=THRESHOLDS) as pipeline:
        for index in range(len(drive)):
            sample = drive.sample(index, thermal=len(spec.inputs) > 1)
            for camera, truth in sample.truth.items():
                frames = [_frame(sample.images[camera], Encoding.BGR8)]
                if len(spec.inputs) > 1:
                    frames.append(_frame(sample.thermal[camera], Encoding.MONO8))
                heads = pipeline.process(frames).heads
                detections = next(head for head in heads.values() if isinstance(head, Detections))
                mask = next(head for head in heads.values() if isinstance(head, SegmentationMask))
                images.append(evaluated_image(detections, mask.class_ids, truth, condition.value))
    return images


def _frame(pixels: NDArray[np.uint8], encoding: Encoding) -> Frame:
    height, width = pixels.shape[:2]
    return Frame(
        camera="",
        stamp_ns=0,
        frame_id="",
        encoding=encoding,
        width=width,
        height=height,
        step=width * encoding.bytes_per_pixel,
        data=np.ascontiguousarray(pixels).ravel(),
    )


def evaluate(options: EvaluationOptions, processes: int) -> dict[str, Any]:
    """Accuracy over all drives, as training.metrics gives it, with what it was measured on."""
    jobs = [(options, condition, number) for number in range(options.drives) for condition in options.conditions]
    images: list[EvaluatedImage] = []
    started = time.monotonic()
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for done, found in enumerate(pool.imap(evaluate_drive, jobs), 1):
            images += found
            print(f"{time.monotonic() - started:6.0f} s  drive {done} of {len(jobs)}", flush=True)
    metrics = summarize(images)
    metrics["evaluation"] = {
        "model": options.model.name,
        "model_bytes": options.model.stat().st_size,
        "runtime": "ONNX Runtime, CPU, FP32",
        "first_seed": options.first_seed,
        "drives_per_condition": options.drives,
        "instants_per_drive": options.instants,
        "score": THRESHOLDS.score,
        "nms_iou": THRESHOLDS.nms_iou,
    }
    return metrics


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="ONNX or YAML of the model")
    parser.add_argument("--output", type=Path, required=True, help="the JSON to write")
    parser.add_argument("--first-seed", type=int, default=20000, help="default: 20000, never trained on")
    parser.add_argument("--drives", type=int, default=12, help="drives of each condition (default: 12)")
    parser.add_argument("--instants", type=int, default=4, help="instants a drive, all cameras (default: 4)")
    names = [condition.value for condition in Condition]
    parser.add_argument("--conditions", nargs="+", choices=names, default=names, help="default: all")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="default: one a core")
    arguments = parser.parse_args()
    options = EvaluationOptions(
        model=arguments.model,
        first_seed=arguments.first_seed,
        drives=arguments.drives,
        instants=arguments.instants,
        conditions=tuple(Condition(name) for name in arguments.conditions),
    )
    metrics = evaluate(options, arguments.processes)
    print(headline(metrics), flush=True)
    for condition, values in metrics["per_condition"].items():
        print(f"  {condition:8} {headline(values)}", flush=True)
    arguments.output.write_text(json.dumps(metrics, indent=1) + "\n")


if __name__ == "__main__":
    main()
