"""A run's truth and detections as COCO files, for any other tool that evaluates those."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from trt_perception.bag.coco_file import CocoFile, CocoImage, coco_text
from trt_perception.bag.true_objects import TrueObjects
from trt_perception.options.write_atomically import write_atomically
from trt_perception.validate.coco_form import coco_results
from trt_perception.validate.frame_record import FrameRecord, RecordTruth
from trt_perception.validate.match_frame import truth_of_head
from trt_perception.validate.run_header import RunHeader

TRUTH = "coco_truth"
DETECTIONS = "coco_detections"


def write_coco_files(out: Path, header: RunHeader, frames: Callable[[], Iterable[FrameRecord]]) -> None:
    """Write both files of every detection head; a head's name stands in theirs where there are several.

    Images are the frames with truth, numbered from 1; categories are the head's labels, numbered from 1. Objects of
    other classes are left out.

    Args:
        out: Folder of the run.
        header: The run.
        frames: Reads the records.

    Raises:
        OSError: The disk is full.
    """
    heads = {name: head.labels for name, head in header.heads.items() if head.is_detection}
    for name, labels in heads.items():
        suffix = f"_{name}" if len(heads) > 1 else ""
        images: list[CocoImage] = []
        results: list[dict[str, Any]] = []
        for record in frames():
            if record.truth is None or record.skipped is not None:
                continue
            images.append(_image(record, record.truth, labels))
            found = coco_results(len(images), record.detections[name])
            results += ({**entry, "category_id": entry["category_id"] + 1} for entry in found)
        truth = coco_text(CocoFile(class_names=labels, images=tuple(images)))
        write_atomically(out / f"{TRUTH}{suffix}.json", truth.encode())
        write_atomically(out / f"{DETECTIONS}{suffix}.json", (json.dumps(results) + "\n").encode())


def _image(record: FrameRecord, truth: RecordTruth, labels: tuple[str, ...]) -> CocoImage:
    image, kept = truth_of_head(truth, labels)
    return CocoImage(
        file_name=f"{record.bag}/{record.camera}/{record.stamp_ns}.png",
        width=record.width,
        height=record.height,
        objects=TrueObjects(
            boxes=image.boxes,
            labels=tuple(truth.labels[index] for index in kept),
            track_ids=tuple(truth.track_ids[index] for index in kept),
            visible_fraction=np.ones(len(kept), np.float32),
            truncation=np.zeros(len(kept), np.float32),
            ignored=image.ignored,
        ),
        camera=record.camera,
        stamp_ns=record.stamp_ns,
        condition=record.condition,
    )
