"""One camera from bytes to results, with fakes for model and publishers: every frame ends in exactly one counter."""

from __future__ import annotations

import threading
import time
import tracemalloc
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.channel_rig import Rig
from helpers.fault_times import keep_times
from helpers.worker_fakes import FakeProcessor, image_bytes, wait_until

from trt_perception.cdr.compressed_image_message import encode_compressed_image
from trt_perception.encoding import Encoding
from trt_perception.errors import DeviceError, DropReason, FrameError
from trt_perception.frame import EncodedFrame, Frame
from trt_perception.settings.camera_settings import CameraSettings, Transport


def test_frames_are_processed_in_order_with_stamp_and_frame_id(tmp_path: Path) -> None:
    start = time.time_ns()
    with Rig(tmp_path) as rig:
        for index in range(20):
            rig.send(image_bytes(start + index, frame_id="front_optical"))
    assert rig.outputs[0].stamps == [start + index for index in range(20)]
    assert {frame.frame_id for frame in rig.processors[0].seen} == {"front_optical"}
    assert {frame.camera for frame in rig.processors[0].seen} == {"front"}
    assert rig.snapshot().processed == 20
    assert rig.snapshot().age_p50_ms is not None
    assert rig.warnings == []


def test_a_newer_frame_replaces_the_one_that_waits(tmp_path: Path) -> None:
    gate = threading.Event()
    start = time.time_ns()
    with Rig(tmp_path, FakeProcessor(lambda frame: gate.wait(10))) as rig:
        rig.channel.receive(image_bytes(start))
        wait_until(lambda: len(rig.processors[0].seen) == 1)
        for index in range(1, 6):
            began = time.monotonic()
            rig.channel.receive(image_bytes(start + index))
            wait_until(lambda index=index: rig.snapshot().dropped.get(DropReason.REPLACED, 0) == index - 1)
            counted = time.monotonic() - began
        began = time.monotonic()
        gate.set()
        got = rig.settled()
        keep_times("replaced", counted=counted, over=time.monotonic() - began)
    assert rig.outputs[0].stamps == [start, start + 5]
    assert (got.received, got.processed, got.dropped) == (6, 2, {DropReason.REPLACED: 4})
    assert rig.drops() == [(start + index, "replaced") for index in range(1, 5)]
    assert rig.warnings == []


def _message(**fields: object) -> bytes:
    """A bgr8 8 x 4 image message in which some header fields are replaced by others, unchecked."""
    data = bytearray(image_bytes(time.time_ns()))
    offsets = {"height": 24, "width": 28, "step": 44, "size": 48}
    for name, value in fields.items():
        data[offsets[name] : offsets[name] + 4] = int(str(value)).to_bytes(4, "little")
    return bytes(data)


def test_the_offsets_of_the_crafted_messages_are_right() -> None:
    data = _message()
    assert [int.from_bytes(data[at : at + 4], "little") for at in (24, 28, 44, 48)] == [4, 8, 24, 96]


BAD_MESSAGES = {
    "nothing": (b"", DropReason.MALFORMED),
    "four_bytes": (b"\x00\x01\x00\x00", DropReason.MALFORMED),
    "header_only": (image_bytes(1)[:24], DropReason.MALFORMED),
    "pixels_cut_off": (image_bytes(1)[:-10], DropReason.MALFORMED),
    "foreign_bytes": (bytes(range(256)) * 4, DropReason.MALFORMED),
    "parameter_list_cdr": (b"\x00\x03" + image_bytes(1)[2:], DropReason.MALFORMED),
    "big_endian_cdr": (b"\x00\x00" + image_bytes(1)[2:], DropReason.BIG_ENDIAN),
    "frame_id_of_4_gb": (image_bytes(1)[:12] + b"\xff\xff\xff\xff" + image_bytes(1)[16:], DropReason.MALFORMED),
    "zero_width": (_message(width=0), DropReason.BAD_SIZE),
    "zero_height": (_message(height=0), DropReason.BAD_SIZE),
    "absurd_size": (_message(width=100_000, height=100_000), DropReason.BAD_SIZE),
    "step_zero": (_message(step=0), DropReason.BAD_SIZE),
    "step_below_a_row": (_message(step=23), DropReason.BAD_SIZE),
    "step_of_4_gb": (_message(step=2**32 - 1), DropReason.SHORT_DATA),
    "more_rows_than_data": (_message(height=5), DropReason.SHORT_DATA),
    "more_data_than_message": (_message(size=2**32 - 1), DropReason.MALFORMED),
    "unknown_encoding": (image_bytes(1).replace(b"bgr8", b"xyz9"), DropReason.UNKNOWN_ENCODING),
}


@pytest.mark.parametrize(("data", "reason"), BAD_MESSAGES.values(), ids=BAD_MESSAGES.keys())
def test_a_bad_raw_message_is_counted_by_reason_and_the_next_frame_is_used(
    tmp_path: Path, data: bytes, reason: DropReason
) -> None:
    with Rig(tmp_path) as rig:
        tracemalloc.start()
        seen = rig.logged_after(data)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        good = time.time_ns()
        keep_times(reason.value, in_log=seen, over=rig.answered_after(image_bytes(good)))
        got = rig.settled()
    assert peak < 2**20
    assert got.dropped == {reason: 1}
    assert rig.outputs[0].stamps == [good]
    assert len(rig.warnings) == 1
    assert f"camera front: frame dropped, {reason.value}: " in rig.warnings[0]
    assert [reason for _, reason in rig.drops()] == [reason.value]


def _compressed(data: bytes, image_format: str = "jpeg") -> bytes:
    return encode_compressed_image(data, stamp_ns=time.time_ns(), frame_id="f", format=image_format)


def _jpeg(width: int = 64, height: int = 48) -> bytes:
    noise = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    return bytes(cv2.imencode(".jpg", noise)[1])


BAD_FILES = {
    "empty": (b"", DropReason.CORRUPT_IMAGE),
    "no_image": (b"hello world, this is no image", DropReason.UNKNOWN_ENCODING),
    "jpeg_cut_in_half": (_jpeg()[: len(_jpeg()) // 2], DropReason.CORRUPT_IMAGE),
    "jpeg_head_only": (_jpeg()[:30], DropReason.CORRUPT_IMAGE),
    "png_cut_in_half": (bytes(cv2.imencode(".png", np.eye(99, dtype=np.uint8))[1])[:60], DropReason.CORRUPT_IMAGE),
}


@pytest.mark.parametrize(("data", "reason"), BAD_FILES.values(), ids=BAD_FILES.keys())
@pytest.mark.parametrize("lane_count", [1, 2], ids=["one_pipeline", "two_pipelines"])
def test_a_bad_compressed_image_is_counted_by_reason_and_the_next_frame_is_used(
    tmp_path: Path, data: bytes, reason: DropReason, lane_count: int
) -> None:
    from trt_perception.preprocess.decode_image import decode_image

    def decode(frame: Frame | EncodedFrame) -> None:
        if isinstance(frame, EncodedFrame):  # as a real pipeline does
            decode_image(frame)

    settings = CameraSettings(name="front", transport=Transport.COMPRESSED)
    with Rig(tmp_path, *(FakeProcessor(decode) for _ in range(lane_count)), settings=settings) as rig:
        seen = rig.logged_after(_compressed(data))
        keep_times(reason.value, in_log=seen, over=rig.answered_after(_compressed(_jpeg())))
        got = rig.settled()
    assert got.dropped == {reason: 1}
    assert got.processed == 1
    assert [reason for _, reason in rig.drops()] == [reason.value]


def test_a_compressed_image_is_unpacked_once_for_several_pipelines(tmp_path: Path) -> None:
    settings = CameraSettings(name="front", transport=Transport.COMPRESSED)
    with Rig(tmp_path, FakeProcessor(), FakeProcessor(), settings=settings) as rig:
        rig.send(_compressed(_jpeg()))
    first, second = (processor.seen[0] for processor in rig.processors)
    assert isinstance(first, Frame)
    assert first is second
    assert (first.width, first.height, first.encoding) == (64, 48, Encoding.BGR8)


def test_a_compressed_image_with_one_listener_is_left_to_its_pipeline(tmp_path: Path) -> None:
    settings = CameraSettings(name="front", transport=Transport.COMPRESSED)
    with Rig(tmp_path, FakeProcessor(), FakeProcessor(), settings=settings) as rig:
        rig.outputs[1].listeners = False
        rig.send(_compressed(_jpeg()))
    assert isinstance(rig.processors[0].seen[0], EncodedFrame)
    assert rig.processors[1].seen == []
    assert rig.snapshot().lanes["lane1"].unheard == 1


def test_repeated_and_late_stamps_are_dropped_by_name(tmp_path: Path) -> None:
    start = time.time_ns()
    with Rig(tmp_path) as rig:
        for offset in (0, 10, 10):
            rig.send(image_bytes(start + offset))
        seen = rig.logged_after(image_bytes(start + 5))
        keep_times("late", in_log=seen, over=rig.answered_after(image_bytes(start + 20)))
    assert rig.outputs[0].stamps == [start, start + 10, start + 20]
    assert rig.drops() == [(start + 10, "duplicate"), (start + 5, "late")]


def test_zero_and_future_stamps_are_processed_and_named_and_have_no_age(tmp_path: Path) -> None:
    future = time.time_ns() + 3600 * 10**9
    with Rig(tmp_path) as rig:
        rig.send(image_bytes(0))
        got = rig.send(image_bytes(future))
    assert rig.outputs[0].stamps == [0, future]
    assert {fault.value for fault in got.stamp_faults} == {"zero_stamp", "future_stamp"}
    assert got.age_p99_ms is None
    assert len(rig.warnings) == 2


def test_a_frame_older_than_the_deadline_is_stale_when_its_turn_comes(tmp_path: Path) -> None:
    gate = threading.Event()
    settings = CameraSettings(name="front", max_age_ms=200.0)
    with Rig(tmp_path, FakeProcessor(lambda frame: gate.wait(10)), settings=settings) as rig:
        first, second = time.time_ns(), time.time_ns() + 1
        rig.channel.receive(image_bytes(first))
        wait_until(lambda: len(rig.processors[0].seen) == 1)
        rig.channel.receive(image_bytes(second))
        time.sleep(0.3)
        began = time.monotonic()
        gate.set()
        wait_until(lambda: bool(rig.warnings))
        seen = time.monotonic() - began
        third = time.time_ns()
        keep_times("stale", in_log=seen, over=rig.answered_after(image_bytes(third)))
    assert rig.outputs[0].stamps == [first, third]
    assert rig.drops() == [(second, "stale")]


def test_nobody_listening_means_no_inference(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        rig.outputs[0].listeners = False
        began = time.monotonic()
        got = rig.send(image_bytes(time.time_ns()))
        counted = time.monotonic() - began
        assert got.dropped == {DropReason.NO_LISTENER: 1}
        assert rig.processors[0].seen == []
        rig.outputs[0].listeners = True
        keep_times("no_listener", counted=counted, over=rig.answered_after(image_bytes(time.time_ns())))
    assert rig.warnings == []


def test_always_on_infers_without_a_listener(tmp_path: Path) -> None:
    with Rig(tmp_path, always_on=True) as rig:
        rig.outputs[0].listeners = False
        rig.send(image_bytes(time.time_ns()))
    assert len(rig.processors[0].seen) == 1


def test_a_disabled_camera_is_counted_and_can_be_enabled_again(tmp_path: Path) -> None:
    with Rig(tmp_path, settings=CameraSettings(name="front", enabled=False)) as rig:
        assert rig.send(image_bytes(time.time_ns())).dropped == {DropReason.DISABLED: 1}
        rig.channel.is_enabled = True
        assert rig.send(image_bytes(time.time_ns())).processed == 1


def test_whether_it_is_enabled_outlives_a_restart(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.channel.is_enabled = False
    with rig:
        assert rig.send(image_bytes(time.time_ns())).dropped == {DropReason.DISABLED: 1}


def test_a_failing_backend_is_counted_and_the_next_frame_is_tried(tmp_path: Path) -> None:
    failures = iter([DeviceError("out of memory")])

    def fail_once(frame: Frame | EncodedFrame) -> None:
        for failure in failures:
            raise failure

    with Rig(tmp_path, FakeProcessor(fail_once)) as rig:
        rig.send(image_bytes(time.time_ns()))
        got = rig.send(image_bytes(time.time_ns()))
    assert (got.processed, got.dropped, got.restarts) == (1, {DropReason.INFERENCE_FAILED: 1}, 0)
    assert got.lanes["lane0"].failed == 1
    assert any("pipeline lane0 failed: out of memory" in line for line in rig.warnings)


def test_a_failing_pipeline_leaves_the_cameras_other_pipelines_their_result(tmp_path: Path) -> None:
    def fail(frame: Frame | EncodedFrame) -> None:
        raise DeviceError("broken")

    with Rig(tmp_path, FakeProcessor(fail), FakeProcessor()) as rig:
        keep_times("pipeline_failed", in_log=rig.logged_after(image_bytes(time.time_ns())))
        got = rig.settled()
    assert (got.processed, got.dropped) == (1, {})
    assert [lane.results for lane in got.lanes.values()] == [0, 1]
    assert [lane.failed for lane in got.lanes.values()] == [1, 0]


def test_an_unexpected_exception_restarts_the_worker_and_loses_one_frame(tmp_path: Path) -> None:
    failures = iter([ZeroDivisionError("a bug")])

    def fail_once(frame: Frame | EncodedFrame) -> None:
        for failure in failures:
            raise failure

    with Rig(tmp_path, FakeProcessor(fail_once)) as rig:
        rig.send(image_bytes(time.time_ns()))
        got = rig.send(image_bytes(time.time_ns()))
    assert (got.processed, got.dropped, got.restarts) == (1, {DropReason.INFERENCE_FAILED: 1}, 1)
    assert any("ZeroDivisionError: a bug" in line and "fail_once" in line for line in rig.warnings)


def test_what_arrives_after_the_stop_is_inactive(tmp_path: Path) -> None:
    gate = threading.Event()
    start = time.time_ns()
    rig = Rig(tmp_path, FakeProcessor(lambda frame: gate.wait(10)))
    rig.channel.start()
    rig.channel.receive(image_bytes(start))
    wait_until(lambda: len(rig.processors[0].seen) == 1)
    rig.channel.receive(image_bytes(start + 1))
    rig.channel.request_stop()
    gate.set()
    assert rig.channel.stop()
    rig.channel.receive(image_bytes(start + 2))
    got = rig.settled()
    assert (got.processed, got.dropped) == (1, {DropReason.INACTIVE: 2})
    assert rig.drops() == [(start + 1, "inactive"), (start + 2, "inactive")]


def test_a_worker_that_does_not_come_back_is_left_behind(tmp_path: Path) -> None:
    gate = threading.Event()
    rig = Rig(tmp_path, FakeProcessor(lambda frame: gate.wait(10)))
    rig.channel.start()
    rig.channel.receive(image_bytes(time.time_ns()))
    wait_until(lambda: rig.channel.snapshot(0).busy_since_ns > 0)
    assert rig.channel.stop(0.05) is False
    gate.set()
    rig.drop_log.close()


def test_the_camera_can_be_started_again(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    for _ in range(3):
        rig.channel.start()
        rig.send(image_bytes(time.time_ns()))
        assert rig.channel.stop()
    assert rig.snapshot().processed == 3
    rig.drop_log.close()


def test_silence_and_return_are_told(tmp_path: Path) -> None:
    with Rig(tmp_path, settings=CameraSettings(name="front", timeout_ms=50.0)) as rig:
        rig.send(image_bytes(time.time_ns()))
        wait_until(lambda: bool(rig.warnings))
        assert rig.warnings[0].startswith("camera front: no image for 0.")
        rig.send(image_bytes(time.time_ns()))
        wait_until(lambda: bool(rig.said))
    assert rig.said[0].startswith("camera front: images come again after 0.")


def test_an_unknown_encoding_goes_through_the_bridge_on_the_workers_thread(tmp_path: Path) -> None:
    threads = []

    def convert(data: bytes, camera: str) -> Frame:
        threads.append(threading.current_thread().name)
        return Frame(
            camera=camera,
            stamp_ns=7,
            frame_id="f",
            encoding=Encoding.BGR8,
            width=1,
            height=1,
            step=3,
            data=np.zeros(3, np.uint8),
        )

    with Rig(tmp_path, bridge=convert) as rig:
        got = rig.send(image_bytes(time.time_ns()).replace(b"bgr8", b"xyz9"))
    assert (got.processed, got.dropped) == (1, {})
    assert threads == ["camera front"]


def test_what_the_bridge_cannot_convert_is_counted(tmp_path: Path) -> None:
    def refuse(data: bytes, camera: str) -> Frame:
        raise FrameError(DropReason.UNKNOWN_ENCODING, "cv_bridge does not convert 'xyz9'")

    with Rig(tmp_path, bridge=refuse) as rig:
        seen = rig.logged_after(image_bytes(time.time_ns()).replace(b"bgr8", b"xyz9"))
        keep_times("unknown_encoding", in_log=seen, over=rig.answered_after(image_bytes(time.time_ns())))
        got = rig.settled()
    assert got.dropped == {DropReason.UNKNOWN_ENCODING: 1}


def test_receiving_never_raises(tmp_path: Path) -> None:
    def broken_clock() -> int:
        raise RuntimeError("context is shut down")

    with Rig(tmp_path) as rig:
        rig.now_ns = broken_clock
        got = rig.send(image_bytes(time.time_ns()))
    assert got.dropped == {DropReason.MALFORMED: 1}
    assert "RuntimeError: context is shut down" in rig.warnings[0]
