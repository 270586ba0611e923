"""Finished validation runs made from plain lists."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trt_perception.detections import Detections
from trt_perception.errors import DropReason
from trt_perception.validate.finish_run import json_line
from trt_perception.validate.frame_record import FrameRecord, RecordTruth
from trt_perception.validate.match_frame import match_frame
from trt_perception.validate.measure_run import measure_run
from trt_perception.validate.run_folder import RunFolder
from trt_perception.validate.run_header import RunBag, RunCamera, RunHead, RunHeader, RunModel, RunThresholds

LABELS = ("car", "truck")
MASK_LABELS = ("other", "road")
SCORE = 0.3
SECOND = 1_000_000_000

Found = Sequence[tuple[Sequence[float], float, int]]
"""Box x1 y1 x2 y2, score, class id."""
True_ = Sequence[tuple[Sequence[float], str]]
"""Box, label."""


def make_detections(rows: Found = ()) -> Detections:
    """Detections, best score first."""
    ordered = sorted(rows, key=lambda row: -row[1])
    return Detections(
        boxes=np.array([row[0] for row in ordered], np.float32).reshape(-1, 4),
        scores=np.array([row[1] for row in ordered], np.float32),
        class_ids=np.array([row[2] for row in ordered], np.int32),
    )


def make_record(
    index: int,
    found: Found = (),
    truth: True_ | None = None,
    *,
    camera: str = "front",
    bag: str = "drive",
    condition: str = "",
    skipped: DropReason | None = None,
    ignored: Sequence[int] = (),
    road: tuple[int, int, int] | None = None,
    labels: tuple[str, ...] = LABELS,
) -> FrameRecord:
    """One frame of second `index`.

    Args:
        ignored: Indices of the true objects that are ignored.
        road: Pixels of road found, of road missed, and of something else taken for road.
    """
    stamp_ns = (1000 + index) * SECOND
    if skipped is not None:
        return FrameRecord(bag=bag, camera=camera, stamp_ns=stamp_ns, log_time_ns=stamp_ns, skipped=skipped,
                           problem="broken")  # fmt: skip
    detections = make_detections(found)
    objects = None
    if truth is not None:
        objects = RecordTruth(
            labels=tuple(row[1] for row in truth),
            boxes=np.array([row[0] for row in truth], np.float32).reshape(-1, 4),
            ignored=np.array([number in ignored for number in range(len(truth))], np.bool_),
            track_ids=("",) * len(truth),
        )
    confusion = {}
    if road is not None:
        hit, missed, wrong = road
        confusion["road"] = np.array([(1, 1, hit), (1, 0, missed), (0, 1, wrong), (0, 0, 100)], np.int64)
    return FrameRecord(
        bag=bag,
        camera=camera,
        stamp_ns=stamp_ns,
        log_time_ns=stamp_ns,
        condition=condition,
        width=640,
        height=480,
        detections={"boxes": detections},
        truth=objects,
        matches={} if objects is None else {"boxes": match_frame(detections, objects, labels=labels, score=SCORE)},
        confusion=confusion,
    )


def make_run(
    folder: Path,
    records: Iterable[FrameRecord],
    *,
    model: str = "net",
    truth: str = "topics",
    labels: tuple[str, ...] = LABELS,
    score: float = SCORE,
    timings: bool = True,
) -> RunFolder:
    """The folder of a run with these frames."""
    kept = list(records)
    bags = []
    for name in sorted({record.bag for record in kept}):
        own = [record for record in kept if record.bag == name]
        cameras = {
            camera: RunCamera(topic=f"/{camera}/image_raw", frames=sum(record.camera == camera for record in own))
            for camera in sorted({record.camera for record in own})
        }
        times = [record.log_time_ns for record in own]
        bags.append(RunBag(name=name, start_ns=min(times), end_ns=max(times), messages=len(own), cameras=cameras))
    heads = {"boxes": RunHead(labels=labels, is_detection=True)}
    if any(record.confusion for record in kept):
        heads["road"] = RunHead(labels=MASK_LABELS, is_detection=False)
    header = RunHeader(
        model=RunModel(name=model, sha256="a" * 64, spec_sha256="b" * 64, backend="onnxruntime 1.20.1"),
        thresholds=RunThresholds(score=score, floor=0.05, nms_iou=0.45, max_detections=300),
        truth=truth,
        heads=heads,
        bags=tuple(bags),
    )
    folder.mkdir(parents=True)
    lines = [json_line(header.to_plain()), *(json_line(record.to_plain()) for record in kept)]
    (folder / "frames.jsonl").write_text("".join(lines), encoding="utf-8")
    (folder / "metrics.json").write_text(json.dumps(measure_run(header, kept).to_plain()), encoding="utf-8")
    if timings:
        (folder / "timings.json").write_text(json.dumps(make_timings()), encoding="utf-8")
    return RunFolder(folder)


def make_timings(p99_ms: float = 41.5) -> dict[str, Any]:
    """timings.json of a run."""
    stage = {"p50": 20.25, "p90": 30.5, "p99": p99_ms, "max": 60.0, "mean": 21.0}
    stages = dict.fromkeys(("decode", "preprocess", "inference", "postprocess", "total"), stage)
    return {
        "schema": 1,
        "backend": "onnxruntime 1.20.1 (CPU, threads: 1)",
        "processes": 2,
        "frames": 10,
        "frames_of_earlier_runs": 0,
        "frames_s": 1.0,
        "wall_s": 1.25,
        "frames_per_s": 8.0,
        "stages_ms": {"all": stages, "front": stages},
    }
