"""A set of cameras: its frames are paired, processed once, and each ends once, in every camera's own counters."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.set_rig import SetRig
from helpers.worker_fakes import image_bytes, wait_until

from trt_perception.cdr.compressed_image_message import encode_compressed_image
from trt_perception.errors import DropReason
from trt_perception.ros.camera_status import Level, judge_camera
from trt_perception.ros.image_publishers import ImagePublishers
from trt_perception.settings.camera_settings import CameraSettings, Transport

MS = 1_000_000


def give(rig: SetRig, camera: str, stamp_ns: int) -> None:
    rig.channels[camera].receive(image_bytes(stamp_ns))


def status_of(rig: SetRig, camera: str) -> tuple[Level, str]:
    now_ns = time.monotonic_ns()
    status = judge_camera(
        rig.channels[camera].snapshot(now_ns), None, now_ns=now_ns, topic="", publishers=ImagePublishers()
    )
    return status.level, status.message


@pytest.mark.parametrize("order", [("front", "front_ir"), ("front_ir", "front")], ids=["first_first", "partner_first"])
def test_both_images_are_one_run_under_the_firsts_header(tmp_path: Path, order: tuple[str, str]) -> None:
    now = time.time_ns()
    stamps = {"front": now, "front_ir": now + 2 * MS}
    with SetRig(tmp_path) as rig:
        for camera in order:
            give(rig, camera, stamps[camera])
        got = rig.settled()
        image = rig.channels["front_ir"].snapshot(time.monotonic_ns()).image
    assert rig.processor.sets == [(now, now + 2 * MS)]
    assert rig.output.stamps == [now]
    assert [(each.processed, each.dropped) for each in got.values()] == [(1, {}), (1, {})]
    assert got["front"].lanes["night"].results == 1
    assert image == "8 x 4 bgr8"


def test_a_missing_partner_drops_the_frame_at_the_deadline_and_is_named(tmp_path: Path) -> None:
    now = time.time_ns()
    with SetRig(tmp_path) as rig:
        began = time.monotonic()
        give(rig, "front", now)
        got = rig.settled()
        took = time.monotonic() - began
        assert status_of(rig, "front") == (
            Level.ERROR,
            "no result: unpaired 1; "
            "pipeline night: the set [front, front_ir] is incomplete: front_ir has sent no image",
        )
    assert got["front"].dropped == {DropReason.UNPAIRED: 1}
    assert 0.06 <= took < 1.0
    assert rig.drops() == [("front", now, "unpaired")]
    assert len(rig.warnings) == 1
    assert "front_ir has sent no image" in rig.warnings[0]


def test_latest_lets_the_last_image_stand_in_and_counts_it_once(tmp_path: Path) -> None:
    now = time.time_ns()
    with SetRig(tmp_path, policy="latest") as rig:
        give(rig, "front", now)
        give(rig, "front_ir", now)
        rig.settled()
        give(rig, "front", now + 40 * MS)
        wait_until(lambda: len(rig.processor.sets) == 2)
        give(rig, "front", now + 140 * MS)  # too old by now
        got = rig.settled()
    assert rig.processor.sets == [(now, now), (now + 40 * MS, now)]
    assert (got["front"].processed, got["front"].dropped) == (2, {DropReason.UNPAIRED: 1})
    assert (got["front_ir"].processed, got["front_ir"].dropped) == (1, {})


def test_it_recovers_when_the_partner_comes_back_and_says_so(tmp_path: Path) -> None:
    with SetRig(tmp_path, deadline_ms=20.0) as rig:
        began = time.monotonic()
        while time.monotonic() - began < 1.2:
            give(rig, "front", time.time_ns())
            time.sleep(0.05)
        rig.settled()
        assert status_of(rig, "front")[0] == Level.ERROR
        now = time.time_ns()
        give(rig, "front", now)
        give(rig, "front_ir", now)
        wait_until(lambda: rig.output.stamps == [now])
        assert any("pipeline night: the set [front, front_ir] is complete again after" in line for line in rig.said)
        assert status_of(rig, "front")[0] == Level.WARN


@pytest.mark.parametrize("single", ["front", "front_ir"])
def test_a_camera_with_a_pipeline_of_its_own_ends_each_frame_once(tmp_path: Path, single: str) -> None:
    now = time.time_ns()
    with SetRig(tmp_path, single=single) as rig:
        for index in range(5):
            stamp = now + index * 33 * MS
            give(rig, "front", stamp)
            if index != 2:
                give(rig, "front_ir", stamp)
            rig.settled()
        got = rig.settled()
    assert len(rig.processor.sets) == 4
    assert rig.single_output.stamps[:2] == [now, now + 33 * MS]
    front = {} if single == "front" else {DropReason.UNPAIRED: 1}
    assert (got["front"].processed, got["front"].dropped) == (5 - len(front), front)
    assert (got["front_ir"].processed, got["front_ir"].dropped) == (4, {})


def test_the_newest_complete_set_wins(tmp_path: Path) -> None:
    now, go_on = time.time_ns(), threading.Event()
    with SetRig(tmp_path) as rig:
        rig.processor.handler = lambda frame: go_on.wait(10)
        for index in range(4):
            give(rig, "front", now + index * 33 * MS)
            give(rig, "front_ir", now + index * 33 * MS)
            wait_until(lambda: len(rig.processor.seen) == 1)
        go_on.set()
        got = rig.settled()
    assert rig.output.stamps == [now, now + 99 * MS]
    assert [each.dropped for each in got.values()] == [{DropReason.REPLACED: 2}] * 2


def test_a_partner_that_cannot_be_used_is_at_fault_and_the_first_unpaired(tmp_path: Path) -> None:
    now = time.time_ns()
    settings = {"front_ir": CameraSettings(name="front_ir", transport=Transport.COMPRESSED)}
    picture = cv2.imencode(".jpg", np.zeros((64, 64), np.uint8))[1].tobytes()
    with SetRig(tmp_path, settings=settings) as rig:
        give(rig, "front", now)
        rig.channels["front_ir"].receive(
            encode_compressed_image(stamp_ns=now, frame_id="ir", format="jpeg", data=picture[:40])
        )
        got = rig.settled()
    assert got["front"].dropped == {DropReason.UNPAIRED: 1}
    assert got["front_ir"].dropped == {DropReason.CORRUPT_IMAGE: 1}


def test_the_firsts_deadline_holds_for_the_set(tmp_path: Path) -> None:
    old = time.time_ns() - 500 * MS
    settings = {"front": CameraSettings(name="front", max_age_ms=100.0)}
    with SetRig(tmp_path, settings=settings) as rig:
        give(rig, "front", old)
        give(rig, "front_ir", old)
        got = rig.settled()
    assert [each.dropped for each in got.values()] == [{DropReason.STALE: 1}] * 2
    assert rig.processor.sets == []


def test_nobody_listening_means_no_inference(tmp_path: Path) -> None:
    now = time.time_ns()
    with SetRig(tmp_path) as rig:
        rig.output.listeners = False
        give(rig, "front", now)
        give(rig, "front_ir", now)
        got = rig.settled()
        assert [status_of(rig, name) for name in rig.channels] == [(Level.OK, "nobody subscribes to its results")] * 2
    assert [each.dropped for each in got.values()] == [{DropReason.NO_LISTENER: 1}] * 2
    assert got["front"].lanes["night"].unheard == 1


def test_a_disabled_first_camera_pairs_nothing_and_a_disabled_partner_is_named(tmp_path: Path) -> None:
    now = time.time_ns()
    with SetRig(tmp_path, deadline_ms=20.0) as rig:
        rig.channels["front"].is_enabled = False
        for camera in rig.channels:
            give(rig, camera, now)
        got = rig.settled()
        assert [each.dropped for each in got.values()] == [{DropReason.DISABLED: 1}] * 2
        rig.channels["front"].is_enabled, rig.channels["front_ir"].is_enabled = True, False
        for camera in rig.channels:
            give(rig, camera, now + 33 * MS)
        got = rig.settled()
        assert "front_ir is disabled" in status_of(rig, "front")[1]
        rig.channels["front_ir"].is_enabled = True
        for camera in rig.channels:
            give(rig, camera, now + 66 * MS)
        rig.settled()
    assert got["front"].dropped == {DropReason.DISABLED: 1, DropReason.UNPAIRED: 1}
    assert got["front_ir"].dropped == {DropReason.DISABLED: 2}
    assert rig.output.stamps == [now + 66 * MS]


def test_a_faster_partner_is_no_fault(tmp_path: Path) -> None:
    now = time.time_ns() - 500 * MS
    with SetRig(tmp_path) as rig:
        for index in range(8):
            stamp = now + index * 16 * MS
            give(rig, "front_ir", stamp)
            if index % 2 == 0:
                give(rig, "front", stamp)
            wait_until(lambda index=index: len(rig.output.stamps) == index // 2 + 1)
        got = rig.settled()
        assert status_of(rig, "front_ir")[0] == Level.OK
    assert (got["front"].processed, got["front_ir"].processed) == (4, 4)
    assert got["front_ir"].dropped == {DropReason.UNPAIRED: 4}


def test_what_waits_when_it_stops_is_inactive(tmp_path: Path) -> None:
    now = time.time_ns()
    with SetRig(tmp_path, deadline_ms=5000.0) as rig:
        give(rig, "front", now)
        assert rig.snapshot("front").dropped == {}
    assert rig.drops() == [("front", now, "inactive")]


@pytest.mark.parametrize("silent", ["front", "front_ir"])
@pytest.mark.parametrize("policy", ["drop", "latest"])
def test_messages_are_given_back_by_their_deadline_while_a_camera_is_silent(
    tmp_path: Path, policy: str, silent: str
) -> None:
    """A slot of a ring is free once nothing views it; a message here stands for one."""
    (sending,) = {"front", "front_ir"} - {silent}
    messages: list[weakref.ref[np.ndarray]] = []
    most = 0
    with SetRig(tmp_path, policy=policy, deadline_ms=50.0) as rig:
        for _ in range(40):
            data = np.frombuffer(bytearray(image_bytes(time.time_ns())), np.uint8)
            messages.append(weakref.ref(data))
            rig.channels[sending].receive(data.data)
            del data
            time.sleep(0.008)
            most = max(most, sum(message() is not None for message in messages))
        assert most <= rig.set.most_held
        time.sleep(0.15)
        gc.collect()
        assert not any(message() is not None for message in messages)


def test_every_stamp_of_a_storm_ends_once(tmp_path: Path) -> None:
    """Two threads send, a worker is slow, one camera pauses: what was received is processed or in the drop log."""
    start = time.time_ns()
    sent: dict[str, list[int]] = {"front": [], "front_ir": []}
    with SetRig(tmp_path, single="front", deadline_ms=20.0) as rig:
        rig.processor.handler = lambda frame: time.sleep(0.01)

        def send(camera: str, period_ms: int) -> None:
            for index in range(150):
                if camera == "front_ir" and 50 < index < 80:
                    time.sleep(0.003)
                    continue
                stamp = start + index * period_ms * MS
                sent[camera].append(stamp)
                give(rig, camera, stamp)
                time.sleep(0.003)

        threads = [threading.Thread(target=send, args=(camera, 16)) for camera in sent]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        got = rig.settled()
    drops = Counter(camera for camera, _, _ in rig.drops())
    for camera, stamps in sent.items():
        assert got[camera].received == len(stamps) == got[camera].processed + drops[camera]
    assert len({(camera, stamp) for camera, stamp, _ in rig.drops()}) == len(rig.drops())
    assert set(rig.processor.sets) == {(stamp, stamp) for stamp, _ in rig.processor.sets}
