"""A synthetic drive as a bag: images, calibration, transforms and ground truth."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trt_perception.bag.bag_writer import BagWriter
from trt_perception.bag.camera_topics import CameraTopics
from trt_perception.bag.true_objects_message import TrueObjectsMessage, encode_true_objects
from trt_perception.cdr import (
    CAMERA_INFO_TYPE,
    CLOCK_TYPE,
    COMPRESSED_IMAGE_TYPE,
    DETECTION_ARRAY_TYPE,
    IMAGE_TYPE,
    LABEL_INFO_TYPE,
    STRING_TYPE,
    TRANSFORMS_TYPE,
    CameraInfoMessage,
    LabelInfoMessage,
    encode_camera_info,
    encode_clock,
    encode_compressed_image,
    encode_image,
    encode_label_info,
    encode_string,
    encode_transforms,
)
from trt_perception.demo.camera_model import CameraModel
from trt_perception.demo.classes import MASK_NAMES
from trt_perception.demo.drive import Drive
from trt_perception.demo.drive_bag_options import DriveBagOptions, ImageFormat
from trt_perception.demo.drive_sample import DriveSample
from trt_perception.demo.drive_samples import drive_samples
from trt_perception.demo.drive_transforms import BODY_FRAME, MAP_FRAME, transform_record
from trt_perception.demo.drive_truth import true_objects
from trt_perception.demo.seeding import generator

CLOCK = "/clock"
TF = "/tf"
TF_STATIC = "/tf_static"
CONDITION = "/ground_truth/condition"
"""Light and weather as a word, valid for the images that follow."""

_TIMING = 81
_MS = 1_000_000

Item = tuple[int, int, str, bytes]
"""Log time, running number (which keeps the order of equal times), topic, message."""


@dataclass(frozen=True, kw_only=True)
class DriveBagLedger:
    """What became of every image of a drive.

    Args:
        written: Stamps of the images in the bag, nanoseconds, by camera.
        dropped: Stamps of the images that were left out, by camera.
    """

    written: Mapping[str, list[int]]
    dropped: Mapping[str, list[int]]


def write_drive_bag(
    drive: Drive,
    path: Path | str,
    *,
    options: DriveBagOptions | None = None,
    workers: int = 1,
    on_sample: Callable[[], object] = lambda: None,
) -> DriveBagLedger:
    """Writes a whole drive. The same drive and options give the same bytes.

    Topics of each camera are those of `CameraTopics`; a thermal camera is one more, without truth. /tf_static holds the
    cameras on the car, /tf the car in the world, `CONDITION` light and weather.

    Args:
        drive: The drive.
        path: Folder of the bag.
        options: How it is put into the bag. Default: DriveBagOptions().
        workers: Processes that draw the pictures.
        on_sample: Called after each instant.

    Raises:
        BagError: The bag exists already, or cannot be written; none is left.
        ConfigError: The options do not fit the drive.
        MissingError: The bag library is not installed.
    """
    options = options or DriveBagOptions()
    options.check_rate(drive.options.rate_hz)
    recording = _Recording(drive, options, workers)
    with BagWriter(path, options=options.writer) as writer:
        for topic, type_name, latched in recording.topics():
            writer.add_topic(topic, type_name, latched=latched)
        for log_time_ns, _, topic, data in recording.messages(on_sample):
            writer.write(topic, data, log_time_ns=log_time_ns)
    return DriveBagLedger(written=recording.written, dropped=recording.dropped)


class _Recording:
    """The messages of one drive in order of their log times."""

    def __init__(self, drive: Drive, options: DriveBagOptions, workers: int) -> None:
        self._workers = workers
        self._drive = drive
        self._options = options
        self._cameras = {**drive.cameras}
        if options.thermal:
            self._cameras.update({camera.name: camera for camera in drive.thermal_cameras.values()})
        self._waiting: list[Item] = []
        self._count = 0
        self.written: dict[str, list[int]] = {name: [] for name in self._cameras}
        self.dropped: dict[str, list[int]] = {name: [] for name in self._cameras}

    def topics(self) -> Iterator[tuple[str, str, bool]]:
        """Topic, type and whether it is latched."""
        yield TF_STATIC, TRANSFORMS_TYPE, True
        yield TF, TRANSFORMS_TYPE, False
        yield CONDITION, STRING_TYPE, False
        if self._options.clock_hz:
            yield CLOCK, CLOCK_TYPE, False
        for name in self._cameras:
            topics = CameraTopics(camera=name)
            yield self._image_topic(name), IMAGE_TYPE if self._is_raw else COMPRESSED_IMAGE_TYPE, False
            yield topics.camera_info, CAMERA_INFO_TYPE, False
            if name in self._drive.cameras:
                yield topics.true_objects, DETECTION_ARRAY_TYPE, False
                yield topics.true_mask, IMAGE_TYPE, False
                yield topics.true_mask_labels, LABEL_INFO_TYPE, True

    def messages(self, on_sample: Callable[[], object]) -> Iterator[Item]:
        """All messages; `on_sample` is called after each instant."""
        self._put_latched(self._drive.stamp_ns(0) - round(self._options.stamp_jitter_ms * _MS))
        for index, sample in enumerate(
            drive_samples(self._drive, thermal=self._options.thermal, workers=self._workers)
        ):
            self._put_clock(index)
            self._put_sample(sample)
            # Nothing of the next instant can be logged before its stamp moved back by the whole jitter.
            yield from self._take(self._drive.stamp_ns(index + 1) - round(self._options.stamp_jitter_ms * _MS))
            on_sample()
        yield from self._take(None)

    @property
    def _is_raw(self) -> bool:
        return self._options.images is ImageFormat.RAW

    def _image_topic(self, camera: str) -> str:
        topics = CameraTopics(camera=camera)
        return topics.image if self._is_raw else topics.compressed_image

    def _put(self, log_time_ns: int, topic: str, data: bytes) -> None:
        heapq.heappush(self._waiting, (log_time_ns, self._count, topic, data))
        self._count += 1

    def _take(self, before_ns: int | None) -> Iterator[Item]:
        while self._waiting and (before_ns is None or self._waiting[0][0] < before_ns):
            yield heapq.heappop(self._waiting)

    def _put_latched(self, time_ns: int) -> None:
        mounts = [
            transform_record(camera.extrinsics, parent=BODY_FRAME, child=camera.frame_id, stamp_ns=time_ns)
            for camera in self._cameras.values()
        ]
        self._put(time_ns, TF_STATIC, encode_transforms(mounts))
        for name, camera in self._drive.cameras.items():
            labels = LabelInfoMessage(
                stamp_ns=time_ns, frame_id=camera.frame_id, class_map=dict(enumerate(MASK_NAMES)), threshold=0.0
            )
            self._put(time_ns, CameraTopics(camera=name).true_mask_labels, encode_label_info(labels))

    def _put_clock(self, index: int) -> None:
        """The ticks from one instant to before the next."""
        if not self._options.clock_hz:
            return
        origin_ns, stop_ns = self._drive.stamp_ns(0), self._drive.stamp_ns(index + 1)
        period_ns = 1e9 / self._options.clock_hz
        tick = math.ceil((self._drive.stamp_ns(index) - origin_ns) / period_ns)
        while (time_ns := origin_ns + round(tick * period_ns)) < stop_ns:
            self._put(time_ns, CLOCK, encode_clock(time_ns))
            tick += 1

    def _put_sample(self, sample: DriveSample) -> None:
        first_ns = sample.stamp_ns - round(self._options.stamp_jitter_ms * _MS)
        self._put(first_ns, CONDITION, encode_string(sample.condition.value))
        pose = transform_record(sample.ego_pose, parent=MAP_FRAME, child=BODY_FRAME, stamp_ns=sample.stamp_ns)
        self._put(sample.stamp_ns, TF, encode_transforms([pose]))
        pictures = {**sample.images, **{f"{name}_thermal": image for name, image in sample.thermal.items()}}
        for number, (name, camera) in enumerate(self._cameras.items()):
            # A generator for each image: what becomes of one does not depend on the others.
            rng = generator(self._options.seed, _TIMING, sample.index, number)
            jitter, delay, chance = rng.uniform(-1.0, 1.0), rng.uniform(0.5, 1.5), rng.uniform()
            stamp_ns = sample.stamp_ns + round(jitter * self._options.stamp_jitter_ms * _MS)
            if chance < self._options.drop_fraction:
                self.dropped[name].append(stamp_ns)
                continue
            self.written[name].append(stamp_ns)
            log_time_ns = stamp_ns + round(delay * self._options.latency_ms * _MS)
            self._put_image(camera, pictures[name], stamp_ns, log_time_ns)
            if name in sample.truth:
                self._put_truth(camera, sample, stamp_ns, log_time_ns)

    def _put_image(self, camera: CameraModel, image: NDArray[np.uint8], stamp_ns: int, log_time_ns: int) -> None:
        self._put(log_time_ns, CameraTopics(camera=camera.name).camera_info, _camera_info(camera, stamp_ns))
        encoding = "mono8" if image.ndim == 2 else "bgr8"
        if self._is_raw:
            data = encode_image(image, stamp_ns=stamp_ns, frame_id=camera.frame_id, encoding=encoding)
        else:
            kind = ImageFormat(self._options.images).value
            # The form that image_transport gives: encoding of the pixels, then how the file holds them.
            text = f"{encoding}; {kind} compressed {encoding}"
            file = self._file(image, kind)
            data = encode_compressed_image(file, stamp_ns=stamp_ns, frame_id=camera.frame_id, format=text)
        self._put(log_time_ns, self._image_topic(camera.name), data)

    def _file(self, image: NDArray[np.uint8], kind: str) -> bytes:
        import cv2

        flags = [cv2.IMWRITE_JPEG_QUALITY, self._options.jpeg_quality] if kind == ImageFormat.JPEG.value else []
        return cv2.imencode(f".{kind}", image, flags)[1].tobytes()

    def _put_truth(self, camera: CameraModel, sample: DriveSample, stamp_ns: int, log_time_ns: int) -> None:
        truth = sample.truth[camera.name]
        topics = CameraTopics(camera=camera.name)
        objects = TrueObjectsMessage(stamp_ns=stamp_ns, frame_id=camera.frame_id, objects=true_objects(truth))
        mask = encode_image(truth.mask, stamp_ns=stamp_ns, frame_id=camera.frame_id, encoding="mono8")
        self._put(log_time_ns, topics.true_objects, encode_true_objects(objects))
        self._put(log_time_ns, topics.true_mask, mask)


def _camera_info(camera: CameraModel, stamp_ns: int) -> bytes:
    return encode_camera_info(
        CameraInfoMessage(
            stamp_ns=stamp_ns,
            frame_id=camera.frame_id,
            height=camera.height,
            width=camera.width,
            distortion_model="plumb_bob",
            distortion=camera.distortion,
            intrinsics=camera.intrinsics,
            rectification=np.eye(3),
            projection=np.hstack([camera.intrinsics, np.zeros((3, 1))]),
        )
    )
