"""Runs the frames of consecutive segments of one bag through the pipeline, and keeps each segment when it is done."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trt_perception.bag.bag_image import BagImage
from trt_perception.bag.bag_reader import BagReader
from trt_perception.bag.bag_topic import BagMessage
from trt_perception.bag.bag_writer import BagWriter
from trt_perception.bag.bag_writer_options import BagWriterOptions, Compression
from trt_perception.bag.true_objects_message import decode_true_objects
from trt_perception.calibration.image_source import CONDITION_TOPIC
from trt_perception.cdr import decode_string
from trt_perception.cdr.header_bytes import read_stamp_ns
from trt_perception.detections import Detections
from trt_perception.errors import DropReason, FrameError
from trt_perception.frame import EncodedFrame
from trt_perception.preprocess.decode_image import declared_size
from trt_perception.runtime.any_pipeline import AnyPipeline
from trt_perception.segmentation_mask import SegmentationMask
from trt_perception.validate.bag_plan import BagPlan
from trt_perception.validate.confusion_matrix import ConfusionMatrix
from trt_perception.validate.frame_record import FrameRecord
from trt_perception.validate.frame_truth import FrameTruth, PackedMask, decode_mask
from trt_perception.validate.match_frame import match_frame
from trt_perception.validate.result_topics import ResultEncoder
from trt_perception.validate.segment_store import Segment, SegmentStore
from trt_perception.validate.set_reader import Paired, SetMember, SetReader, record_partners, skipped_set
from trt_perception.validate.truth_source import TruthSource, read_mask_labels

TRUTH_SLACK_NS = 2_000_000_000
"""How much earlier or later than its image a bag's truth may be logged."""

_LOOK_BACK_NS = 5_000_000_000

Key = tuple[str, int]
"""Camera, and stamp in nanoseconds."""


@dataclass(kw_only=True)
class _Open:
    """A segment that is being made."""

    index: int
    stop_ns: int
    content: Segment = field(default_factory=Segment)
    stamps: set[Key] = field(default_factory=set)
    waiting: int = 0
    writer: BagWriter | None = None
    topics: set[str] = field(default_factory=set)


@dataclass(kw_only=True)
class _Waiting:
    """A result whose truth has not been seen yet."""

    segment: _Open
    record: int
    log_time_ns: int
    masks: Mapping[str, PackedMask]


@dataclass(kw_only=True)
class _Truth:
    """Truth whose frame has not been seen yet."""

    log_time_ns: int
    messages: dict[str, bytes | memoryview] = field(default_factory=dict)


class BlockRunner:
    """Reads one stretch of a bag once.

    Args:
        plan: The bag.
        bag: Its number in the run.
        pipeline: Opened; its thresholds are those of the floor, its masks in the size of the image.
        store: Where the segments are kept.
        score: Operating score.
        truth: Truth from outside the bag; None: that of the bag's own topics, where `own_truth` is set.
        own_truth: Whether the bag's own truth topics are read.
        sets: The frames of the stretch with their partners, for a model of several inputs. Default: it has one.
    """

    def __init__(
        self,
        plan: BagPlan,
        *,
        bag: int,
        pipeline: AnyPipeline,
        store: SegmentStore,
        score: float,
        truth: TruthSource | None = None,
        own_truth: bool = False,
        sets: SetReader | None = None,
    ) -> None:
        self._plan, self._bag, self._pipeline, self._store = plan, bag, pipeline, store
        self._score, self._outside, self._sets = score, truth, sets
        self._reader = BagReader(plan.path)
        self._encoder = ResultEncoder(pipeline.spec, score=score)
        self._labels = {head.name: head.labels for head in pipeline.spec.heads}
        self._cameras = {topic: camera for camera, topic in plan.cameras.items()}
        own = plan.truth if own_truth else {}
        self._truth_topics = {found.objects: camera for camera, found in own.items() if found.objects}
        self._truth_topics |= {found.masks: camera for camera, found in own.items() if found.masks}
        self._slack_ns = TRUTH_SLACK_NS if self._truth_topics else 0
        self._mask_topics = {found.masks for found in own.values() if found.masks}
        self._mask_labels = {camera: read_mask_labels(self._reader, found.labels) for camera, found in own.items()}
        self._expected = {
            camera: {topic for topic in (found.objects, found.masks) if topic} for camera, found in own.items()
        }
        self._segments: dict[int, _Open] = {}
        self._results: dict[Key, _Waiting] = {}
        self._truths: dict[Key, _Truth] = {}

    def run(self, first: int, stop: int, *, on_frame: Callable[[], object] = lambda: None) -> None:
        """Make the segments from `first` on, before `stop`. What is not done when an exception comes is not kept.

        Raises:
            BagError: The bag is damaged, or a segment cannot be written.
            DeviceError: The backend failed.
        """
        start_ns, stop_ns = self._plan.bounds[first], self._plan.bounds[stop]
        try:
            for index in range(first, stop):
                self._segments[index] = _Open(index=index, stop_ns=self._plan.bounds[index + 1])
            for message, condition, member in self._members(start_ns, stop_ns):
                self._settle(message.log_time_ns)
                if message.topic in self._truth_topics:
                    self._take_truth(message, first, stop)
                elif start_ns <= message.log_time_ns < stop_ns:
                    self._take_image(message, condition, member)
                    on_frame()
            self._settle(None)
        finally:
            for segment in self._segments.values():
                if segment.writer:
                    segment.writer.discard()
            self._segments.clear()

    def _members(self, start_ns: int, stop_ns: int) -> Iterator[Paired]:
        """Images and truth in order of log time, images with their partners where they are paired."""
        slack_ns = self._slack_ns
        if self._sets is None:
            for message, condition in self._messages(start_ns - slack_ns, stop_ns + slack_ns):
                yield message, condition, None
        else:
            first_ns, behind_ns = self._sets.span(slack_ns)
            yield from self._sets.ordered(self._messages(first_ns, behind_ns), first_ns)

    def _messages(self, start_ns: int, stop_ns: int) -> Iterator[tuple[BagMessage, str]]:
        """Images and truth in order of log time, each with the condition under which it was taken."""
        condition = self._condition_before(start_ns) if self._plan.has_condition else ""
        topics = [*self._cameras, *self._truth_topics, *([CONDITION_TOPIC] if self._plan.has_condition else [])]
        for message in self._reader.messages(topics, start_ns=start_ns, stop_ns=stop_ns):
            if message.topic == CONDITION_TOPIC:
                condition = _word(message)
            else:
                yield message, condition

    def _condition_before(self, time_ns: int) -> str:
        span = _LOOK_BACK_NS
        stop_ns = time_ns
        while stop_ns > self._plan.start_ns:
            last = deque(self._reader.messages([CONDITION_TOPIC], start_ns=stop_ns - span, stop_ns=stop_ns), maxlen=1)
            if last:
                return _word(last[0])
            stop_ns, span = stop_ns - span, span * 2
        return ""

    def _segment_of(self, log_time_ns: int) -> _Open:
        return self._segments[bisect_right(self._plan.bounds, log_time_ns) - 1]

    def _take_image(self, message: BagMessage, condition: str, member: SetMember | None) -> None:
        if member is not None and member.is_partner:
            return
        segment = self._segment_of(message.log_time_ns)
        image = BagImage(camera=self._cameras[message.topic], message=message)
        stamp_ns = image.stamp_ns
        record = FrameRecord(
            bag=self._plan.name,
            camera=image.camera,
            stamp_ns=stamp_ns,
            log_time_ns=message.log_time_ns,
            condition=condition,
        )
        key = image.camera, stamp_ns or 0
        try:
            if stamp_ns is not None and key in segment.stamps:
                raise FrameError(DropReason.DUPLICATE, f"stamp {stamp_ns} was there before")
            if member is not None and member.skipped is not None:
                raise FrameError(member.skipped, member.problem)
            record, masks = self._process(image, record, segment, member)
        except FrameError as error:
            for skipped in self._skipped(record, error, image, member):
                segment.content.records.append(skipped)
                segment.content.times_ns.append([])
            return
        segment.stamps.add(key)
        segment.content.records.append(record)
        self._find_truth(key, segment, masks)

    def _process(
        self, image: BagImage, record: FrameRecord, segment: _Open, member: SetMember | None
    ) -> tuple[FrameRecord, dict[str, SegmentationMask]]:
        frame = image.frame()
        others = [partner.frame() for partner in member.partners] if member else []
        result = self._pipeline.process([frame, *others])
        detections = {name: found for name, found in result.heads.items() if isinstance(found, Detections)}
        masks = {name: found for name, found in result.heads.items() if isinstance(found, SegmentationMask)}
        messages = list(
            self._encoder.messages(result.heads, camera=image.camera, stamp_ns=frame.stamp_ns, frame_id=frame.frame_id)
        )
        self._write(segment, image, messages)
        times = result.times
        segment.content.times_ns.append(
            [times.decode_ns, times.preprocess_ns, times.inference_ns, times.postprocess_ns]
        )
        width, height = declared_size(frame) if isinstance(frame, EncodedFrame) else (frame.width, frame.height)
        record = replace(record, width=width, height=height, detections=detections)
        return (replace(record, partners=record_partners(member)) if member else record), masks

    def _skipped(
        self, record: FrameRecord, error: FrameError, image: BagImage, member: SetMember | None
    ) -> Sequence[FrameRecord]:
        """The frame without a result, and where it was the first of a set, its partners."""
        if member is not None and member.partners:
            return skipped_set(record, image, member, error, self._pipeline.spec)
        return [record.without_result(error)]

    def _write(self, segment: _Open, image: BagImage, messages: list[tuple[str, bytes]]) -> None:
        if segment.writer is None:
            path = self._store.results_path(self._bag, segment.index)
            options = BagWriterOptions(compression=Compression.CHUNK, overwrite=True)
            segment.writer = BagWriter(path, options=options)
            segment.content.has_results = True
        if image.camera not in segment.topics:
            segment.topics.add(image.camera)
            for topic, kind in self._encoder.topics(image.camera):
                segment.writer.add_topic(topic, kind)
        for topic, data in messages:
            segment.writer.write(topic, data, log_time_ns=image.message.log_time_ns)

    def _find_truth(self, key: Key, segment: _Open, masks: Mapping[str, SegmentationMask]) -> None:
        """Compare with the truth where it is known already; else the result waits for it."""
        position = len(segment.content.records) - 1
        pixels = {name: mask.class_ids for name, mask in masks.items()}
        if self._outside is not None:
            self._compare(segment, position, pixels, self._outside.get(*key))
            return
        expected = self._expected.get(key[0], set())
        truth = self._truths.get(key)
        if not expected or (truth and truth.messages.keys() >= expected):
            self._compare(segment, position, pixels, self._decoded(key))
            return
        wanted = pixels if expected & self._mask_topics else {}
        self._results[key] = _Waiting(
            segment=segment,
            record=position,
            log_time_ns=segment.content.records[position].log_time_ns,
            masks={name: PackedMask.of(mask) for name, mask in wanted.items()},
        )
        segment.waiting += 1

    def _take_truth(self, message: BagMessage, first: int, stop: int) -> None:
        camera = self._truth_topics[message.topic]
        try:
            key = camera, read_stamp_ns(message.data)
        except FrameError:
            return
        if self._plan.bounds[first] <= message.log_time_ns < self._plan.bounds[stop]:
            self._segment_of(message.log_time_ns).content.truth.append(key)
        truth = self._truths.setdefault(key, _Truth(log_time_ns=message.log_time_ns))
        truth.messages.setdefault(message.topic, bytes(message.data))
        if key in self._results and truth.messages.keys() >= self._expected[camera]:
            self._compare_waiting(key)

    def _settle(self, now_ns: int | None) -> None:
        """Stop waiting for truth that is overdue, and keep the segments that are done."""
        for key in [key for key, result in self._results.items() if _is_old(result.log_time_ns, now_ns)]:
            self._compare_waiting(key)
        for key in [key for key, truth in self._truths.items() if _is_old(truth.log_time_ns, now_ns)]:
            del self._truths[key]
        for segment in list(self._segments.values()):
            if segment.waiting or (now_ns is not None and now_ns < segment.stop_ns + self._slack_ns):
                break
            self._keep(segment)

    def _keep(self, segment: _Open) -> None:
        if segment.writer:
            segment.writer.close()
        self._store.write(self._bag, segment.index, segment.content)
        del self._segments[segment.index]

    def _compare_waiting(self, key: Key) -> None:
        result = self._results.pop(key)
        result.segment.waiting -= 1
        masks = {name: packed.mask() for name, packed in result.masks.items()}
        self._compare(result.segment, result.record, masks, self._decoded(key))

    def _decoded(self, key: Key) -> FrameTruth | None:
        """The truth of the bag's own topics; a damaged message says nothing."""
        truth = self._truths.pop(key, None)
        messages = truth.messages if truth else {}
        objects = mask = None
        for topic, data in messages.items():
            with suppress(FrameError):
                if topic in self._mask_topics:
                    mask = decode_mask(data)
                else:
                    objects = decode_true_objects(data).objects
        if objects is None and mask is None:
            return None
        return FrameTruth(objects=objects, mask=mask, mask_labels=self._mask_labels.get(key[0], {}))

    def _compare(
        self, segment: _Open, position: int, masks: Mapping[str, NDArray[np.uint8]], truth: FrameTruth | None
    ) -> None:
        """Put the truth, and what follows from it, into a record."""
        if truth is None:
            return
        record = segment.content.records[position]
        objects = truth.record()
        matches: dict[str, Any] = {}
        if objects is not None:
            matches = {
                name: match_frame(found, objects, labels=self._labels[name], score=self._score)
                for name, found in record.detections.items()
            }
        segment.content.records[position] = replace(
            record,
            condition=record.condition or truth.condition,
            truth=objects,
            matches=matches,
            confusion={
                name: cells
                for name, mask in masks.items()
                if (cells := _confusion(mask, truth, self._labels[name])) is not None
            },
        )


def _confusion(mask: NDArray[np.uint8], truth: FrameTruth, labels: tuple[str, ...]) -> NDArray[np.int64] | None:
    """int64 (m, 3): true class, predicted class, pixels. None where there is no true mask of the mask's size."""
    true_mask = truth.mask_of_head(labels)
    if true_mask is None or true_mask.shape != mask.shape:
        return None
    matrix = ConfusionMatrix(len(labels))
    matrix.add(mask, true_mask)
    rows, columns = np.nonzero(matrix.counts)
    return np.stack([rows, columns, matrix.counts[rows, columns]], axis=1)


def _is_old(log_time_ns: int, now_ns: int | None) -> bool:
    return now_ns is None or log_time_ns + TRUTH_SLACK_NS < now_ns


def _word(message: BagMessage) -> str:
    """The condition's word; a damaged message says nothing."""
    try:
        return decode_string(message.data)
    except FrameError:
        return ""
