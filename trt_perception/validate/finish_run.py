"""Puts the segments of a run together: frames, detections, figures."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from trt_perception.bag.bag_reader import BagReader
from trt_perception.bag.bag_writer import BagWriter
from trt_perception.bag.bag_writer_options import BagWriterOptions, Compression
from trt_perception.cdr.header_bytes import read_stamp_ns
from trt_perception.errors import DropReason, InputError
from trt_perception.model.model_spec import ModelSpec
from trt_perception.options.write_atomically import write_atomically
from trt_perception.validate.bag_plan import BagPlan
from trt_perception.validate.coco_files import write_coco_files
from trt_perception.validate.frame_record import NOT_FOUND, FrameRecord
from trt_perception.validate.measure_run import measure_run
from trt_perception.validate.result_topics import ResultEncoder
from trt_perception.validate.run_folder import DETECTIONS, FRAMES, METRICS, MISSED, read_frames
from trt_perception.validate.run_header import RunBag, RunCamera, RunHeader
from trt_perception.validate.run_timings import RunTimings
from trt_perception.validate.segment_store import SegmentStore
from trt_perception.validate.stamp_merge import merged_by_stamp
from trt_perception.validate.validation_metrics import ValidationMetrics

OUTSIDE_MARGIN_NS = 60_000_000_000
"""Truth from outside a bag belongs to it as far as its stamps reach, and this much more. What lies farther away is of
another bag: one COCO file may hold the truth of many, which other jobs run."""

Key = tuple[str, int]
"""Camera, and stamp in nanoseconds."""


class RunFinisher:
    """Reads every segment once, in order.

    Args:
        out: Folder of the run.
        plans: The bags, in order of time.
        spec: The model.
        score: Operating score.
        partners: Cameras that have no results of their own.
    """

    def __init__(
        self,
        out: Path,
        plans: tuple[BagPlan, ...],
        *,
        spec: ModelSpec,
        score: float,
        partners: frozenset[str] = frozenset(),
    ) -> None:
        self._out, self._plans = out, plans
        self._store = SegmentStore(out)
        self._encoder = ResultEncoder(spec, score=score)
        self._partners = partners

    def finish(self, header: RunHeader, *, outside_truth: Iterable[Key] | None, timings: RunTimings) -> RunHeader:
        """Write frames.jsonl and the bag of detections.

        Args:
            header: The run, without its bags.
            outside_truth: Camera and stamp of every true image outside the bags; None where there is no such source.
            timings: Takes the times of every frame.

        Returns:
            The header with the bags.

        Raises:
            InputError: A segment is damaged, or the bag cannot be written.
            OSError: The disk is full.
        """
        outside = None if outside_truth is None else list(outside_truth)
        body = self._store.folder / FRAMES
        bags = []
        shutil.rmtree(self._out / DETECTIONS, ignore_errors=True)
        options = BagWriterOptions(compression=Compression.CHUNK)
        with body.open("w", encoding="utf-8") as lines, BagWriter(self._out / DETECTIONS, options=options) as writer:
            self._begin_results(writer)
            for number, plan in enumerate(self._plans):
                stamps: dict[str, set[int]] = {camera: set() for camera in plan.cameras.keys() - self._partners}
                truth: set[Key] = set()
                for record, times_ns in merged_by_stamp(self._records(number, stamps, truth, writer)):
                    timings.add(record, times_ns)
                    lines.write(json_line(record.to_plain()))
                known = truth if outside is None else _of_bag(outside, stamps)
                bags.append(_run_bag(plan, known, stamps))
        header = replace(header, bags=tuple(bags))
        _compose(self._out / FRAMES, header, body)
        return header

    def _begin_results(self, writer: BagWriter) -> None:
        """All topics, and the latched messages at the start."""
        start_ns = min(plan.start_ns for plan in self._plans)
        cameras = sorted({camera for plan in self._plans for camera in plan.cameras} - self._partners)
        latched = [message for camera in cameras for message in self._encoder.latched(camera, time_ns=start_ns)]
        for camera in cameras:
            for topic, kind in self._encoder.topics(camera):
                writer.add_topic(topic, kind)
        for message in latched:
            writer.add_topic(message.topic, message.type_name, latched=True)
        for message in latched:
            writer.write(message.topic, message.data, log_time_ns=message.log_time_ns)

    def _records(
        self, bag: int, stamps: dict[str, set[int]], truth: set[Key], writer: BagWriter
    ) -> Iterator[tuple[FrameRecord, list[int]]]:
        """Records in order of log time; a stamp that an earlier segment had is a duplicate.

        Args:
            bag: Number of the bag.
            stamps: Takes every frame's stamp, by camera.
            truth: Takes camera and stamp of every true image in the bag.
            writer: Takes the messages.
        """
        processed: set[Key] = set()
        for segment in range(self._plans[bag].segment_count):
            content = self._store.read(bag, segment)
            truth.update(content.truth)
            again: set[Key] = set()
            new: set[Key] = set()
            for record, times_ns in zip(content.records, content.times_ns, strict=True):
                key = record.camera, record.stamp_ns or 0
                if record.stamp_ns is not None and record.camera in stamps:
                    stamps[record.camera].add(record.stamp_ns)
                if record.skipped is None and key in processed:
                    again.add(key)
                    yield _as_duplicate(record), []
                    continue
                if record.skipped is None:
                    new.add(key)
                yield record, times_ns
            processed |= new
            if content.has_results:
                self._copy_results(bag, segment, again, writer)

    def _copy_results(self, bag: int, segment: int, again: set[Key], writer: BagWriter) -> None:
        cameras = {topic: camera for camera in self._plans[bag].cameras for topic, _ in self._encoder.topics(camera)}
        for message in BagReader(self._store.results_path(bag, segment)).messages():
            if not again or (cameras[message.topic], read_stamp_ns(message.data)) not in again:
                writer.write(message.topic, message.data, log_time_ns=message.log_time_ns)


def write_figures(out: Path, header: RunHeader, *, coco: bool = False) -> ValidationMetrics:
    """Write missed.jsonl, the COCO files where they are wanted, and last metrics.json, from frames.jsonl.

    Raises:
        InputError: The ledger does not close, no frame could be processed, or the truth that was named fits none.
        OSError: The disk is full.
    """
    frames = out / FRAMES
    temporary = out / f".{MISSED}.tmp"
    with temporary.open("w", encoding="utf-8") as missed:
        metrics = measure_run(header, _telling_missed(read_frames(frames), missed), folder=out)
    temporary.replace(out / MISSED)
    _check(metrics)
    if coco:
        write_coco_files(out, header, lambda: read_frames(frames))
    text = json.dumps(metrics.to_plain(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    write_atomically(out / METRICS, text.encode())
    return metrics


def json_line(plain: dict[str, Any]) -> str:
    """One line of a .jsonl file."""
    return json.dumps(plain, separators=(",", ":"), ensure_ascii=False, allow_nan=False) + "\n"


def _check(metrics: ValidationMetrics) -> None:
    """Figures of nothing are no figures."""
    ledger = metrics.ledger
    if not ledger.processed:
        reasons = ", ".join(f"{reason} {count}" for reason, count in ledger.skipped.items())
        raise InputError(
            f"none of {ledger.frames} frames could be processed ({reasons}); see `problem` in {FRAMES} for each"
        )
    if metrics.truth in ("coco", "bag") and not any(camera.with_truth for camera in ledger.cameras):
        raise InputError(
            f"the truth fits none of {ledger.processed} frames: expected its cameras and stamps to be those of the "
            "bags' image headers; check that it is of these bags"
        )


def _telling_missed(frames: Iterable[FrameRecord], file: TextIO) -> Iterator[FrameRecord]:
    """The same records; what they missed goes into the file."""
    for record in frames:
        for entry in _missed(record):
            file.write(json_line(entry))
        yield record


def _missed(record: FrameRecord) -> Iterator[dict[str, Any]]:
    if record.truth is None:
        return
    boxes = record.to_plain()["truth"]["boxes"]
    for head, matches in record.matches.items():
        for index, detection in enumerate(matches.objects.tolist()):
            if detection == NOT_FOUND and not record.truth.ignored[index]:
                yield {
                    "bag": record.bag,
                    "camera": record.camera,
                    "stamp_ns": record.stamp_ns,
                    "log_time_ns": record.log_time_ns,
                    "condition": record.condition,
                    "head": head,
                    "label": record.truth.labels[index],
                    "box": boxes[index],
                    "track_id": record.truth.track_ids[index],
                }


def _as_duplicate(record: FrameRecord) -> FrameRecord:
    return FrameRecord(
        bag=record.bag,
        camera=record.camera,
        stamp_ns=record.stamp_ns,
        log_time_ns=record.log_time_ns,
        condition=record.condition,
        skipped=DropReason.DUPLICATE,
        problem=f"stamp {record.stamp_ns} was there before",
    )


def _of_bag(truth: Iterable[Key], stamps: dict[str, set[int]]) -> set[Key]:
    """The truth that lies in the time of a bag's frames."""
    spans = {
        camera: (min(found) - OUTSIDE_MARGIN_NS, max(found) + OUTSIDE_MARGIN_NS)
        for camera, found in stamps.items()
        if found
    }
    return {
        (camera, stamp_ns)
        for camera, stamp_ns in truth
        if camera in spans and spans[camera][0] <= stamp_ns <= spans[camera][1]
    }


def _run_bag(plan: BagPlan, truth: set[Key], stamps: dict[str, set[int]]) -> RunBag:
    lone = Counter(camera for camera, stamp_ns in truth if stamp_ns not in stamps[camera])
    return RunBag(
        name=plan.name,
        start_ns=plan.start_ns,
        end_ns=plan.end_ns,
        messages=plan.messages,
        cameras={
            camera: RunCamera(topic=topic, frames=plan.frames[camera], truth_without_frame=lone[camera])
            for camera, topic in plan.cameras.items()
        },
        unread=plan.unread,
    )


def _compose(path: Path, header: RunHeader, body: Path) -> None:
    """Header and records in one file, which is whole or absent."""
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("wb") as target, body.open("rb") as source:
        target.write(json_line(header.to_plain()).encode())
        shutil.copyfileobj(source, target, 1 << 20)
    temporary.replace(path)
