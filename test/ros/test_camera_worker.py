"""Pipelines that work ahead: all of a frame's begin before the first is waited for, and none is left behind."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from helpers.channel_rig import Rig
from helpers.worker_fakes import FakeProcessor, FakeTwoPhase, image_bytes, wait_until

from trt_perception.cdr.compressed_image_message import encode_compressed_image
from trt_perception.errors import DeviceError, DropReason, FrameError
from trt_perception.settings.camera_settings import CameraSettings, Transport


def test_all_pipelines_of_a_frame_begin_before_the_first_is_waited_for(tmp_path: Path) -> None:
    calls: list[str] = []
    with Rig(tmp_path, FakeTwoPhase("boxes", calls), FakeTwoPhase("mask", calls)) as rig:
        got = rig.send(image_bytes(time.time_ns()))
        wait_until(lambda: len(calls) == 6)
    assert calls == ["boxes.start", "mask.start", "boxes.result", "mask.result", "boxes.catch_up", "mask.catch_up"]
    assert [output.stamps for output in rig.outputs] == [[rig.processors[0].seen[0].stamp_ns]] * 2
    assert (got.processed, got.dropped) == (1, {})


def test_a_pipeline_on_the_host_computes_while_the_others_work(tmp_path: Path) -> None:
    calls: list[str] = []
    host = FakeProcessor(lambda frame: calls.append("host"))
    with Rig(tmp_path, host, FakeTwoPhase("mask", calls)) as rig:
        rig.send(image_bytes(time.time_ns()))
        wait_until(lambda: len(calls) == 4)
    assert calls == ["mask.start", "host", "mask.result", "mask.catch_up"]


FAILURES = {
    "at_the_start": {"start": DeviceError("broken")},
    "at_the_end": {"result": DeviceError("broken")},
    "outputs_that_cannot_be_used": {"result": FrameError(DropReason.INFERENCE_FAILED, "NaN")},
}


@pytest.mark.parametrize("fails", FAILURES.values(), ids=FAILURES.keys())
def test_a_pipeline_that_fails_leaves_the_others_their_result(tmp_path: Path, fails: dict[str, BaseException]) -> None:
    calls: list[str] = []
    with Rig(tmp_path, FakeTwoPhase("boxes", calls, fails=fails), FakeTwoPhase("mask", calls)) as rig:
        for _ in range(2):
            got = rig.send(image_bytes(time.time_ns()))
    assert calls.count("mask.result") == 2
    assert (got.processed, got.dropped) == (2, {})
    assert [lane.failed for lane in got.lanes.values()] == [2, 0]


def test_an_unexpected_exception_leaves_no_pipeline_reading_the_frame(tmp_path: Path) -> None:
    calls: list[str] = []
    broken = FakeTwoPhase("boxes", calls, fails={"result": ZeroDivisionError("a bug")})
    with Rig(tmp_path, broken, FakeTwoPhase("mask", calls)) as rig:
        got = rig.send(image_bytes(time.time_ns()))
        wait_until(lambda: "mask.result" in calls)
        assert got.dropped == {DropReason.INFERENCE_FAILED: 1}


def test_on_a_lost_device_no_further_pipeline_begins_and_the_first_cause_is_told(tmp_path: Path) -> None:
    calls: list[str] = []
    lost: list[DeviceError] = []
    gone = FakeTwoPhase("boxes", calls, fails={"start": DeviceError("gone", is_sticky=True)})
    with Rig(tmp_path, gone, FakeTwoPhase("mask", calls), on_lost_device=lost.append) as rig:
        rig.send(image_bytes(time.time_ns()))
    assert "mask.start" not in calls
    assert [str(error) for error in lost] == ["gone"]


def test_a_device_lost_while_it_catches_up_is_told(tmp_path: Path) -> None:
    lost: list[DeviceError] = []
    gone = FakeTwoPhase("boxes", [], fails={"catch_up": DeviceError("gone", is_sticky=True)})
    with Rig(tmp_path, gone, on_lost_device=lost.append) as rig:
        got = rig.send(image_bytes(time.time_ns()))
        wait_until(lambda: bool(lost))
    assert got.processed == 1


def test_a_stale_frame_never_begins(tmp_path: Path) -> None:
    calls: list[str] = []
    settings = CameraSettings(name="front", max_age_ms=100.0)
    with Rig(tmp_path, FakeTwoPhase("boxes", calls), settings=settings) as rig:
        rig.send(image_bytes(time.time_ns() - 200_000_000))
        got = rig.send(image_bytes(time.time_ns()))
    assert calls.count("boxes.start") == 1
    assert (got.processed, got.dropped) == (1, {DropReason.STALE: 1})


def test_the_size_of_a_compressed_image_is_that_of_the_result(tmp_path: Path) -> None:
    settings = CameraSettings(name="front", transport=Transport.COMPRESSED)
    data = encode_compressed_image(stamp_ns=time.time_ns(), frame_id="optical", format="jpeg", data=b"not looked at")
    with Rig(tmp_path, FakeTwoPhase("boxes", []), settings=settings) as rig:
        rig.send(data)
        assert rig.channel.snapshot(time.monotonic_ns()).image == "8 x 4 compressed"
