"""Real receiver processes over real DDS, with fakes for model and publishers: what they hand over, and what not."""

from __future__ import annotations

import gc
import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.channel_rig import Rig
from helpers.fault_times import keep_times
from helpers.worker_fakes import FakeProcessor, image_bytes

pytest.importorskip("rclpy", reason="ROS is not here")

from helpers.ros_probe import RosProbe, wait_until
from sensor_msgs.msg import CompressedImage, Image

from trt_perception.cdr.compressed_image_message import encode_compressed_image
from trt_perception.cdr.image_message import encode_image
from trt_perception.errors import DropReason, MissingError
from trt_perception.frame import EncodedFrame, Frame
from trt_perception.ingest.ring_writer import SLOTS
from trt_perception.ros import receiver_process
from trt_perception.ros.quality_of_service import image_profile, pack_profile
from trt_perception.ros.receiver_plan import Subscription
from trt_perception.ros.receivers import Receivers
from trt_perception.settings.camera_settings import CameraSettings, Reliability, Transport


@contextmanager
def receiving(rig: Rig) -> Iterator[Receivers]:
    """A receiver process for the rig's camera, which has subscribed."""
    settings = rig.channel.settings
    warnings: list[str] = []
    receivers = Receivers({"front": rig.channel}, count=1, name="rig", namespace="/", warn=warnings.append)
    receivers.open()
    try:
        qos = pack_profile(image_profile(settings))
        receivers.subscribe({"front": Subscription(topic=f"/{settings.image_topic}", qos=qos)})
        yield receivers
    finally:
        receivers.close()
    assert warnings == []


def camera(transport: Transport = Transport.RAW) -> CameraSettings:
    """Reliable and one by one: every message that is sent comes."""
    return CameraSettings(name="front", transport=transport, reliability=Reliability.RELIABLE)


@pytest.fixture
def publish(probe: RosProbe) -> Iterator[Callable[[bytes], None]]:
    """Sends a raw image message, once somebody subscribes."""
    with publisher_of(probe, Image, "/front/image_raw") as publish:
        yield publish


@contextmanager
def publisher_of(probe: RosProbe, kind: type, topic: str) -> Iterator[Callable[[bytes], None]]:
    publisher = probe.advertise(kind, topic, wait=False)
    is_first = True

    def publish(data: bytes) -> None:
        nonlocal is_first
        if is_first:
            wait_until(lambda: publisher.get_subscription_count() > 0, what="a subscriber")
            time.sleep(0.2)  # until the subscriber knows of us, too
            is_first = False
        publisher.publish(data)

    yield publish
    probe.node.destroy_publisher(publisher)


def noise(stamp_ns: int, *, width: int = 64, height: int = 48) -> tuple[bytes, np.ndarray]:
    """An image message, and its pixels."""
    pixels = np.random.default_rng(stamp_ns).integers(0, 256, (height, width, 3), np.uint8)
    return encode_image(pixels, stamp_ns=stamp_ns, frame_id="optical", encoding="bgr8"), pixels


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def received(rig: Rig, count: int) -> None:
    """Wait until so many messages were received, and each has ended."""
    wait_until(lambda: rig.snapshot().received >= count, what=f"{count} messages")
    rig.settled()


class KeepsPixels:
    """Copies what it is given, as a model reads it."""

    def __init__(self) -> None:
        self.frames: list[tuple[int, bytes]] = []

    def __call__(self, frame: Frame | EncodedFrame) -> None:
        self.frames.append((frame.stamp_ns, frame.data.tobytes()))


def test_pixels_arrive_as_they_were_sent_also_when_images_grow_and_shrink(
    probe: RosProbe, publish: Callable[[bytes], None], tmp_path: Path
) -> None:
    keep = KeepsPixels()
    start = time.time_ns()
    with Rig(tmp_path, FakeProcessor(keep), settings=camera()) as rig, receiving(rig):
        sent = []
        for index, width in enumerate([64, 64, 640, 320, 1280, 64, 1281]):
            data, pixels = noise(start + index, width=width)
            publish(data)
            received(rig, index + 1)
            sent.append((start + index, pixels.tobytes()))
    assert keep.frames == sent


def test_compressed_images_arrive_as_they_were_sent(probe: RosProbe, tmp_path: Path) -> None:
    keep = KeepsPixels()
    start = time.time_ns()
    with (
        Rig(tmp_path, FakeProcessor(keep), settings=camera(Transport.COMPRESSED)) as rig,
        receiving(rig),
        publisher_of(probe, CompressedImage, "/front/image_raw/compressed") as publish,
    ):
        sent = []
        for index, width in enumerate([8, 64, 640, 16]):
            data = cv2.imencode(".png", noise(index, width=width)[1])[1].tobytes()
            publish(encode_compressed_image(data, stamp_ns=start + index, frame_id="optical", format="png"))
            received(rig, index + 1)
            sent.append((start + index, data))
    assert keep.frames == sent


BAD = {
    "cut_off": (image_bytes(5)[:60], DropReason.MALFORMED),
    "empty": (b"\x00\x01\x00\x00", DropReason.MALFORMED),
    "big_endian": (b"\x00\x00" + image_bytes(5)[2:], DropReason.BIG_ENDIAN),
    "unknown_encoding": (
        encode_image(np.zeros((2, 2, 3), np.uint8), stamp_ns=5, frame_id="", encoding="yuv999"),
        DropReason.UNKNOWN_ENCODING,
    ),
    "repeated_stamp": (image_bytes(7), DropReason.DUPLICATE),
}


def test_bad_messages_are_judged_by_the_node_and_the_next_image_is_answered(
    probe: RosProbe, publish: Callable[[bytes], None], tmp_path: Path
) -> None:
    with Rig(tmp_path, settings=camera()) as rig, receiving(rig):
        publish(image_bytes(7))
        received(rig, 1)
        for index, (data, _) in enumerate(BAD.values()):
            publish(data)
            received(rig, 2 + index)
        publish(image_bytes(time.time_ns()))
        received(rig, 2 + len(BAD))
        got = rig.snapshot()
    assert got.processed == 2
    expected = [reason for _, reason in BAD.values()]
    assert got.dropped == {reason: expected.count(reason) for reason in expected}


def test_a_slow_consumers_frame_is_never_overwritten_and_every_stamp_has_one_fate(
    probe: RosProbe, publish: Callable[[bytes], None], tmp_path: Path
) -> None:
    go_on, start = threading.Event(), time.time_ns()
    before: list[bytes] = []
    after: list[bytes] = []

    def look(frame: Frame | EncodedFrame) -> None:
        if not before:
            before.append(frame.data.tobytes())
            assert go_on.wait(20)
            after.append(frame.data.tobytes())

    count = 5 * SLOTS
    with Rig(tmp_path, FakeProcessor(look), settings=camera()) as rig, receiving(rig):
        for index in range(count):
            publish(noise(start + index)[0])
            sent = time.monotonic()
            wait_until(lambda index=index: rig.snapshot().received > index, what="the message")
            wait_until(lambda index=index: rig.snapshot().dropped.get(DropReason.REPLACED, 0) >= index - 1)
            counted = time.monotonic() - sent
        freed = time.monotonic()
        go_on.set()
        got = rig.settled()
        keep_times("slow_consumer", counted=counted, over=time.monotonic() - freed)
        results = rig.outputs[0].stamps
    assert before == after == [noise(start)[1].tobytes()]
    assert (got.received, got.dropped) == (count, {DropReason.REPLACED: count - 2})
    drops = rig.drops()
    assert sorted([*results, *(stamp for stamp, _ in drops if stamp is not None)]) == [start + i for i in range(count)]


def test_a_node_that_does_not_listen_for_a_while_gets_the_newest_and_learns_what_it_missed(
    probe: RosProbe, publish: Callable[[bytes], None], tmp_path: Path
) -> None:
    go_on, blocked, start = threading.Event(), threading.Event(), time.time_ns()
    with Rig(tmp_path, settings=camera()) as rig, receiving(rig):
        publish(noise(start)[0])
        received(rig, 1)
        receive = rig.channel.receive

        def wait_and_receive(data: memoryview, received_ns: int) -> None:
            blocked.set()
            assert go_on.wait(20)
            receive(data, received_ns)

        rig.channel.receive = wait_and_receive  # type: ignore[method-assign]
        count = 4 * SLOTS
        for index in range(1, count):
            publish(noise(start + index)[0])
            time.sleep(0.02)  # one by one, so that the middleware, which keeps one, replaces few
        assert blocked.wait(20)
        time.sleep(0.2)  # for the last one to be in the ring
        freed = time.monotonic()
        go_on.set()
        wait_until(lambda: start + count - 1 in rig.outputs[0].stamps, what="the newest image's answer")
        rig.settled()
        all_known = time.monotonic() - freed
        keep_times("ring_full", counted=all_known, over=all_known)
        got, results = rig.snapshot(), rig.outputs[0].stamps
    assert results[-1] == start + count - 1
    assert got.received > SLOTS + 2, "the middleware lost so many that the ring was not full"
    assert got.dropped[DropReason.REPLACED] >= got.received - 2 - SLOTS
    ended = [*results, *(stamp for stamp, _ in rig.drops() if stamp is not None)]
    assert len(ended) == got.received
    assert len(set(ended)) == len(ended)
    assert {*ended} <= {start + i for i in range(count)}


def test_a_consumer_that_keeps_every_slot_is_told_and_the_camera_goes_on_once_they_are_back(
    probe: RosProbe, publish: Callable[[bytes], None], tmp_path: Path
) -> None:
    kept: list[Frame | EncodedFrame] = []
    start = time.time_ns()
    processor = FakeProcessor(kept.append)
    with Rig(tmp_path, processor, settings=camera()) as rig, receiving(rig):
        for index in range(SLOTS):
            publish(noise(start + index)[0])
            received(rig, index + 1)
        sent = time.monotonic()
        publish(noise(start + SLOTS)[0])
        wait_until(lambda: bool(rig.warnings), what="the warning")
        seen = time.monotonic() - sent
        received(rig, SLOTS + 1)
        publish(noise(start + SLOTS + 1)[0])
        received(rig, SLOTS + 2)
        assert rig.snapshot().dropped == {DropReason.NO_ROOM: 2}
        assert any(f"the node holds all {SLOTS} slots" in line for line in rig.warnings)
        assert [frame.data.tobytes() for frame in kept] == [noise(start + i)[1].tobytes() for i in range(SLOTS)]
        kept.clear()
        processor.seen.clear()
        freed = time.monotonic()
        publish(noise(start + 100)[0])
        wait_until(lambda: start + 100 in rig.outputs[0].stamps, what="the next image")
        keep_times("slots_kept", in_log=seen, over=time.monotonic() - freed)
        kept.clear()
        processor.seen.clear()


def test_slots_that_are_held_by_garbage_come_back(
    probe: RosProbe, publish: Callable[[bytes], None], tmp_path: Path
) -> None:
    def keep_in_a_cycle(frame: Frame | EncodedFrame) -> None:
        cycle: list[object] = [frame]
        cycle.append(cycle)

    start = time.time_ns()
    gc.disable()
    try:
        processor = FakeProcessor(keep_in_a_cycle)
        with Rig(tmp_path, processor, settings=camera()) as rig, receiving(rig):
            for index in range(SLOTS):
                publish(noise(start + index)[0])
                received(rig, index + 1)
                processor.seen.clear()
            sent = time.monotonic()
            publish(noise(start + SLOTS)[0])
            wait_until(lambda: bool(rig.warnings), what="the warning")
            seen = time.monotonic() - sent
            received(rig, SLOTS + 1)
            assert rig.snapshot().dropped == {DropReason.NO_ROOM: 1}
            time.sleep(0.2)  # the search for garbage follows the counter
            publish(noise(start + 100)[0])
            wait_until(lambda: start + 100 in rig.outputs[0].stamps, what="the next image")
            keep_times("slots_kept_by_garbage", in_log=seen, over=time.monotonic() - sent)
    finally:
        gc.enable()


def test_memory_that_cannot_be_had_is_told_with_its_size_and_smaller_images_go_on(
    probe: RosProbe, publish: Callable[[bytes], None], tmp_path: Path
) -> None:
    start = time.time_ns()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Rig(tmp_path, settings=camera()) as rig:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))  # what a receiver may allocate
        try:
            with receiving(rig):
                resource.setrlimit(resource.RLIMIT_FSIZE, limits)
                publish(noise(start)[0])
                received(rig, 1)
                sent = time.monotonic()
                publish(noise(start + 1, width=640, height=480)[0])
                wait_until(lambda: bool(rig.warnings), what="the warning")
                seen = time.monotonic() - sent
                received(rig, 2)
                assert rig.snapshot().dropped == {DropReason.NO_ROOM: 1}
                assert any("the ring needs 3702784 bytes of shared memory" in line for line in rig.warnings)
                sent = time.monotonic()
                publish(noise(start + 2)[0])
                received(rig, 3)
                keep_times("no_memory_for_the_ring", in_log=seen, over=time.monotonic() - sent)
                assert rig.outputs[0].stamps == [start, start + 2]
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_receiver_that_does_not_start_fails_the_opening_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiver_process.sys, "executable", "/bin/false")
    threads, descriptors = threading.active_count(), open_descriptors()
    rig = Rig(tmp_path)
    receivers = Receivers({"front": rig.channel}, count=1, name="rig", namespace="/", warn=lambda line: None)
    with pytest.raises(MissingError, match="receiver rig_receiver_0 ended while it started"):
        receivers.open()
    rig.drop_log.close()
    assert (threading.active_count(), open_descriptors()) == (threads, descriptors)


def test_opening_and_closing_releases_processes_threads_and_descriptors(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    threads, descriptors = threading.active_count(), open_descriptors()
    for _ in range(2):
        receivers = Receivers({"front": rig.channel}, count=1, name="rig", namespace="/", warn=lambda line: None)
        receivers.open()
        (pid,) = receivers.pids
        assert receivers.states == {"rig_receiver_0": f"pid {pid}, restarted 0 times: front"}
        receivers.close()
        receivers.close()
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        assert (threading.active_count(), open_descriptors()) == (threads, descriptors)
    rig.drop_log.close()


def test_senders_learn_at_once_that_a_receiver_ended(
    probe: RosProbe, publish: Callable[[bytes], None], tmp_path: Path
) -> None:
    with Rig(tmp_path, settings=camera()) as rig:
        with receiving(rig):
            publish(image_bytes(time.time_ns()))
            received(rig, 1)
            assert probe.node.count_subscribers("/front/image_raw") == 1
        wait_until(lambda: probe.node.count_subscribers("/front/image_raw") == 0, timeout_s=5.0, what="its end")


def test_a_receiver_that_fails_again_and_again_is_tried_less_and_less_often_until_it_starts(
    probe: RosProbe, publish: Callable[[bytes], None], tmp_path: Path
) -> None:
    with Rig(tmp_path, settings=camera()) as rig, receiving(rig) as receivers:
        publish(image_bytes(time.time_ns()))
        received(rig, 1)
        (pid,) = receivers.pids
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(receiver_process.sys, "executable", "/bin/false")
            os.kill(pid, signal.SIGKILL)
            killed = time.monotonic()
            wait_until(lambda: rig.snapshot().receiver_restarts == 3, what="two more failures")
            assert time.monotonic() - killed >= 0.5, "tried again without a pause"
            assert "ended with code 1; a new one starts in 1 s" in rig.channel.snapshot(time.monotonic_ns()).last_fault
        wait_until(lambda: bool(receivers.pids), what="a new process")
        wait_until(lambda: publish(image_bytes(time.time_ns())) or rig.snapshot().received > 1, what="an image")
        assert "restarted 3 times" in receivers.states["rig_receiver_0"]
