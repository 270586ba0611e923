"""Frames and outputs at fault, through a real pipeline.

Bombs, images that change under way, outputs that are no numbers, an exception that ends the worker's thread.
"""

from __future__ import annotations

import struct
import time
import tracemalloc
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.channel_rig import Rig
from helpers.fault_times import keep_times
from helpers.tiny_onnx import make_multi_head_onnx, make_yolov8_onnx, make_yolox_onnx
from helpers.worker_fakes import FakeProcessor, image_bytes

from trt_perception.cdr.compressed_image_message import encode_compressed_image
from trt_perception.cdr.image_message import encode_image
from trt_perception.detections import Detections
from trt_perception.errors import DropReason
from trt_perception.frame import EncodedFrame, Frame
from trt_perception.model.load_spec import load_spec
from trt_perception.result import Result
from trt_perception.ros.camera_status import judge_camera
from trt_perception.ros.image_publishers import ImagePublishers
from trt_perception.runtime.backend import Tensors
from trt_perception.runtime.onnxruntime_backend import OnnxRuntimeBackend
from trt_perception.runtime.pipeline import Pipeline
from trt_perception.settings.camera_settings import CameraSettings, Transport
from trt_perception.thresholds import Thresholds

LOW = Thresholds(score=0.0, max_detections=20)


class PipelineProcessor(FakeProcessor):
    """A real pipeline; keeps what it gave."""

    def __init__(self, pipeline: Pipeline) -> None:
        super().__init__()
        self.pipeline = pipeline
        self.results: list[Result] = []

    def process(self, frames: Sequence[Frame | EncodedFrame]) -> Result:
        self.seen.append(frames[0])
        self.results.append(self.pipeline.process(frames))
        return self.results[-1]


class SpoiltBackend(OnnxRuntimeBackend):
    """Puts a value into one output of the second frame."""

    value = float("nan")
    output = ""
    calls = 0

    def infer(self, inputs: Tensors) -> Tensors:
        outputs = {name: array.copy() for name, array in super().infer(inputs).items()}
        self.calls += 1
        if self.calls == 2:
            outputs[self.output].reshape(-1)[-1] = self.value
        return outputs


MODELS: dict[str, Callable[[Path], Path]] = {
    "yolox": make_yolox_onnx,
    "yolov8": make_yolov8_onnx,
    "boxes_and_mask": make_multi_head_onnx,
}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf], ids=["nan", "inf", "minus_inf"])
@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS.keys())
def test_an_output_that_is_no_number_fails_the_frame_and_no_such_box_leaves(
    tmp_path: Path, make: Callable[[Path], Path], value: float
) -> None:
    spec = load_spec(make(tmp_path / "model.onnx"))
    for output in spec.outputs:
        backend = SpoiltBackend(spec, threads=1)
        backend.value, backend.output = value, output.name
        start = time.time_ns()
        with Pipeline(spec, backend, thresholds=LOW) as pipeline:
            processor = PipelineProcessor(pipeline)
            with Rig(tmp_path, processor) as rig:
                rig.send(image_bytes(start, width=80, height=48))
                seen = rig.logged_after(image_bytes(start + 1, width=80, height=48))
                over = rig.answered_after(image_bytes(start + 2, width=80, height=48))
                keep_times("output_is_no_number", in_log=seen, over=over)
                got = rig.settled()
        assert (got.processed, got.dropped, got.restarts) == (2, {DropReason.INFERENCE_FAILED: 1}, 0)
        assert rig.outputs[0].stamps == [start, start + 2]
        assert f"frame dropped, inference_failed: output {output.name!r}: 1 of " in rig.warnings[0]
        for result in processor.results:
            for found in result.heads.values():
                if isinstance(found, Detections):
                    assert np.isfinite(found.boxes).all()
                    assert np.isfinite(found.scores).all()


def _noise(width: int, height: int, channels: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(width).integers(0, 255, shape, np.uint8)


FORMATS = [(80, 48, "bgr8"), (40, 100, "bgr8"), (40, 100, "mono8"), (120, 60, "rgb8"), (80, 48, "bgr8")]
CHANNELS = {"bgr8": 3, "rgb8": 3, "mono8": 1}


def test_size_and_encoding_may_change_under_way_and_every_box_is_that_of_its_own_image(tmp_path: Path) -> None:
    spec = load_spec(make_yolox_onnx(tmp_path / "model.onnx"))
    start = time.time_ns()
    messages = [
        encode_image(
            stamp_ns=start + index, frame_id="f", encoding=encoding, image=_noise(width, height, CHANNELS[encoding])
        )
        for index, (width, height, encoding) in enumerate(FORMATS)
    ]
    with Pipeline(spec, OnnxRuntimeBackend(spec, threads=1), thresholds=LOW) as pipeline:
        processor = PipelineProcessor(pipeline)
        with Rig(tmp_path, processor) as rig:
            rig.send(messages[0])
            keep_times("image_changes", in_log=rig.logged_after(messages[1]))
            for message in messages[2:]:
                got = rig.send(message)
            snapshot = rig.channel.snapshot(time.monotonic_ns())
            status = judge_camera(snapshot, None, now_ns=time.monotonic_ns(), topic="/t", publishers=ImagePublishers())
    assert (got.processed, got.dropped, got.image_changes) == (5, {}, 4)
    assert "camera front: image changed from 80 x 48 bgr8 to 40 x 100 bgr8" in rig.warnings
    assert (status.message, status.values["image"]) == ("image changed 4", "80 x 48 bgr8")
    for (width, height, _), frame, result in zip(FORMATS, processor.seen, processor.results, strict=True):
        with Pipeline(spec, OnnxRuntimeBackend(spec, threads=1), thresholds=LOW) as fresh:
            (alone,) = fresh.process([frame]).heads.values()
        (found,) = result.heads.values()
        assert isinstance(found, Detections)
        assert isinstance(alone, Detections)
        assert len(found.boxes) > 0
        assert np.array_equal(found.boxes, alone.boxes)
        assert (found.boxes >= 0).all()
        assert (found.boxes <= [width, height, width, height]).all()


def _jpeg_that_declares(width: int, height: int) -> bytes:
    data = bytearray(cv2.imencode(".jpg", _noise(16, 16, 3))[1])
    start = data.index(b"\xff\xc0") + 5
    data[start : start + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def _png_that_declares(width: int, height: int) -> bytes:
    data = bytearray(cv2.imencode(".png", _noise(16, 16, 3))[1])
    data[16:24] = struct.pack(">II", width, height)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return bytes(data)


BOMBS = {
    "jpeg_4_gigapixels": _jpeg_that_declares(65_535, 65_535),
    "png_4_gigapixels": _png_that_declares(65_535, 65_535),
    "png_2_gigapixel_sides": _png_that_declares(2**31 - 1, 2**31 - 1),
    "jpeg_just_too_many": _jpeg_that_declares(8_193, 8_192),
    "png_just_too_many": _png_that_declares(8_193, 8_192),
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
def test_a_bomb_is_dropped_unopened_and_the_next_image_is_answered(
    tmp_path: Path, bomb: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = load_spec(make_yolox_onnx(tmp_path / "model.onnx"))
    opened: list[int] = []
    real = cv2.imdecode

    def note_and_decode(data: Any, flags: int) -> Any:
        opened.append(len(data))
        return real(data, flags)

    monkeypatch.setattr(cv2, "imdecode", note_and_decode)
    good = bytes(cv2.imencode(".jpg", _noise(80, 48, 3))[1])
    settings = CameraSettings(name="front", transport=Transport.COMPRESSED)
    start = time.time_ns()
    with (
        Pipeline(spec, OnnxRuntimeBackend(spec, threads=1), thresholds=LOW) as pipeline,
        Rig(tmp_path, PipelineProcessor(pipeline), settings=settings) as rig,
    ):
        tracemalloc.start()
        seen = rig.logged_after(encode_compressed_image(bomb, stamp_ns=start, frame_id="f", format="jpeg"))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        good_message = encode_compressed_image(good, stamp_ns=start + 1, frame_id="f", format="jpeg")
        keep_times("bomb", in_log=seen, over=rig.answered_after(good_message))
        got = rig.settled()
    assert peak < 2**20
    assert opened == [len(good)]
    assert (got.processed, got.dropped) == (1, {DropReason.BAD_SIZE: 1})
    assert rig.drops() == [(start, "bad_size")]


@pytest.mark.parametrize("kind", [SystemExit, MemoryError, RecursionError], ids=lambda kind: kind.__name__)
def test_whatever_is_raised_the_workers_thread_goes_on(tmp_path: Path, kind: type[BaseException]) -> None:
    failures = [kind("a bug")]

    def fail_once(frame: Frame | EncodedFrame) -> None:
        if failures:
            raise failures.pop()

    with Rig(tmp_path, FakeProcessor(fail_once)) as rig:
        seen = rig.logged_after(image_bytes(time.time_ns()))
        keep_times("worker_exception", in_log=seen, over=rig.answered_after(image_bytes(time.time_ns())))
        got = rig.settled()
    assert (got.processed, got.dropped, got.restarts) == (1, {DropReason.INFERENCE_FAILED: 1}, 1)
    assert rig.warnings[0].startswith(f"camera front: worker restarted after an unexpected {kind.__name__}: a bug")
