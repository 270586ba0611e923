"""Levels and lines of a camera's diagnostics."""

from __future__ import annotations

from dataclasses import replace

import pytest

from trt_perception.errors import DropReason
from trt_perception.ros.camera_channel import ChannelSnapshot
from trt_perception.ros.camera_status import Level, Status, judge_camera
from trt_perception.ros.counters import CounterSnapshot, LaneCounts
from trt_perception.ros.image_publishers import ImagePublishers
from trt_perception.ros.stamp_fault import StampFault
from trt_perception.settings.camera_settings import CameraSettings

SECOND = 1_000_000_000
NOW = 1000 * SECOND

COUNTERS = CounterSnapshot(
    received=110,
    processed=100,
    dropped={DropReason.REPLACED: 10},
    stamp_faults={},
    restarts=0,
    received_fps=11.0,
    processed_fps=10.0,
    latency_p50_ms=20.0,
    latency_p99_ms=30.0,
    age_p50_ms=41.4,
    age_p99_ms=60.0,
    last_received_ns=NOW - SECOND // 10,
    lanes={"detect": LaneCounts(results=100, unheard=0, failed=0, inference_p50_ms=15.0)},
)
BEFORE = replace(COUNTERS, received=0, processed=0, dropped={})
GOOD = ChannelSnapshot(
    settings=CameraSettings(name="front"),
    is_active=True,
    is_enabled=True,
    counters=COUNTERS,
    busy_since_ns=0,
    last_fault="",
    listening=("detect",),
    active_since_ns=NOW - 60 * SECOND,
)


ONE = ImagePublishers(names=("/driver",))


def _judge(now: ChannelSnapshot, before: CounterSnapshot | None = BEFORE, publishers: ImagePublishers = ONE) -> Status:
    return judge_camera(now, before, now_ns=NOW, topic="/front/image_raw", publishers=publishers)


CASES = {
    "good": (GOOD, Level.OK, "10.0 fps, age 41 ms"),
    "age_unknown": (replace(GOOD, counters=replace(COUNTERS, age_p50_ms=None)), Level.OK, "10.0 fps"),
    "inactive": (replace(GOOD, is_active=False), Level.OK, "the node is not active"),
    "disabled": (replace(GOOD, is_enabled=False), Level.OK, "disabled"),
    "hung": (replace(GOOD, busy_since_ns=NOW - 6 * SECOND), Level.ERROR, "inference has not returned for 6 s"),
    "silent": (
        replace(GOOD, counters=replace(COUNTERS, last_received_ns=NOW - 3 * SECOND)),
        Level.STALE,
        "no image for 3.0 s on /front/image_raw (1 publisher)",
    ),
    "never_came": (
        replace(GOOD, counters=replace(COUNTERS, last_received_ns=0), active_since_ns=NOW - 2 * SECOND),
        Level.STALE,
        "no image for 2.0 s on /front/image_raw (1 publisher)",
    ),
    "just_started": (
        replace(GOOD, counters=replace(BEFORE, last_received_ns=0), active_since_ns=NOW - SECOND // 2, listening=()),
        Level.OK,
        "nobody subscribes to its results",
    ),
    "some_frames_bad": (
        replace(GOOD, counters=replace(COUNTERS, dropped={DropReason.CORRUPT_IMAGE: 2, DropReason.REPLACED: 8})),
        Level.WARN,
        "corrupt_image 2",
    ),
    "all_frames_bad": (
        replace(GOOD, counters=replace(COUNTERS, processed=0, dropped={DropReason.UNKNOWN_ENCODING: 110})),
        Level.ERROR,
        "no result: unknown_encoding 110",
    ),
    "stamps_at_fault": (
        replace(GOOD, counters=replace(COUNTERS, stamp_faults={StampFault.FUTURE_STAMP: 100})),
        Level.WARN,
        "future_stamp 100",
    ),
    "worker_restarted": (replace(GOOD, counters=replace(COUNTERS, restarts=1)), Level.WARN, "worker restarted 1"),
    "one_pipeline_fails": (
        replace(
            GOOD,
            counters=replace(
                COUNTERS, lanes={"detect": LaneCounts(results=0, unheard=0, failed=7, inference_p50_ms=None)}
            ),
        ),
        Level.WARN,
        "pipeline detect failed 7",
    ),
    "set_never_complete": (
        replace(
            GOOD,
            leads_sets=True,
            incomplete=("pipeline night: the set [front, ir] is incomplete: ir has sent no image",),
            counters=replace(COUNTERS, processed=0, dropped={DropReason.UNPAIRED: 110}),
        ),
        Level.ERROR,
        "no result: unpaired 110; pipeline night: the set [front, ir] is incomplete: ir has sent no image",
    ),
    "set_sometimes_incomplete_and_nobody_listens": (
        replace(
            GOOD,
            leads_sets=True,
            listening=(),
            counters=replace(COUNTERS, processed=0, dropped={DropReason.UNPAIRED: 10, DropReason.NO_LISTENER: 100}),
        ),
        Level.WARN,
        "unpaired 10",
    ),
    "partner_faster_than_the_first": (
        replace(GOOD, counters=replace(COUNTERS, processed=55, dropped={DropReason.UNPAIRED: 55})),
        Level.OK,
        "10.0 fps, age 41 ms",
    ),
    "partner_without_the_first": (
        replace(GOOD, counters=replace(COUNTERS, processed=0, dropped={DropReason.UNPAIRED: 110})),
        Level.ERROR,
        "no result: unpaired 110",
    ),
    "nobody_listens": (
        replace(GOOD, listening=(), counters=replace(COUNTERS, processed=0, dropped={DropReason.NO_LISTENER: 110})),
        Level.OK,
        "nobody subscribes to its results",
    ),
}


@pytest.mark.parametrize(("now", "level", "message"), CASES.values(), ids=CASES.keys())
def test_level_and_line(now: ChannelSnapshot, level: Level, message: str) -> None:
    status = _judge(now)
    assert (status.level, status.message) == (level, message)


def test_faults_of_long_ago_are_counted_and_no_longer_warned_of() -> None:
    now = replace(GOOD, counters=replace(COUNTERS, dropped={DropReason.CORRUPT_IMAGE: 5}))
    status = _judge(now, replace(BEFORE, dropped={DropReason.CORRUPT_IMAGE: 5}))
    assert status.level is Level.OK
    assert status.values["dropped_corrupt_image"] == "5"


def test_every_reason_and_number_is_a_text_among_the_values() -> None:
    values = _judge(replace(GOOD, last_fault="something")).values
    assert all(isinstance(value, str) for value in values.values())
    assert {f"dropped_{reason.value}" for reason in DropReason} <= set(values)
    expected = {
        "topic": "/front/image_raw",
        "received": "110",
        "processed": "100",
        "dropped": "10",
        "dropped_replaced": "10",
        "fps": "10.0",
        "age_p50_ms": "41.4",
        "age_p99_ms": "60.0",
        "latency_p99_ms": "30.0",
        "detect.listener": "true",
        "detect.results": "100",
        "last_fault": "something",
    }
    assert {key: values[key] for key in expected} == expected


CLASH = "quality of service clashes: /driver offers best_effort, this node asks for reliable"
SILENT = replace(GOOD, counters=replace(COUNTERS, last_received_ns=0), active_since_ns=NOW - 2 * SECOND)
PUBLISHERS = {
    "two": (
        GOOD,
        ImagePublishers(names=("/a", "/b")),
        Level.WARN,
        "10.0 fps, age 41 ms; 2 publishers on one topic: /a, /b; their images are mixed",
    ),
    "one_of_two_clashes": (
        GOOD,
        ImagePublishers(names=("/a", "/driver"), clashes=(CLASH,)),
        Level.WARN,
        f"10.0 fps, age 41 ms; {CLASH}",
    ),
    "all_clash": (GOOD, ImagePublishers(names=("/driver",), clashes=(CLASH,)), Level.ERROR, CLASH),
    "clash_in_silence": (
        SILENT,
        ImagePublishers(names=("/driver",), clashes=(CLASH,), advice="a segment"),
        Level.STALE,
        f"no image for 2.0 s on /front/image_raw (1 publisher); {CLASH}",
    ),
    "never_came": (
        SILENT,
        ImagePublishers(names=("/driver",), advice="a segment"),
        Level.STALE,
        "no image for 2.0 s on /front/image_raw (1 publisher); a segment",
    ),
    "large_images_stopped": (
        replace(SILENT, message_bytes=6_220_900),
        ImagePublishers(names=("/driver",), advice="a segment"),
        Level.STALE,
        "no image for 2.0 s on /front/image_raw (1 publisher); a segment",
    ),
    "small_images_stopped": (
        replace(SILENT, message_bytes=400_000),
        ImagePublishers(names=("/driver",), advice="a segment"),
        Level.STALE,
        "no image for 2.0 s on /front/image_raw (1 publisher)",
    ),
    "nobody": (
        SILENT,
        ImagePublishers(advice="a segment"),
        Level.STALE,
        "no image for 2.0 s on /front/image_raw (0 publishers)",
    ),
}


@pytest.mark.parametrize(("now", "publishers", "level", "message"), PUBLISHERS.values(), ids=PUBLISHERS.keys())
def test_what_is_wrong_with_the_publishers_is_said(
    now: ChannelSnapshot, publishers: ImagePublishers, level: Level, message: str
) -> None:
    status = _judge(now, publishers=publishers)
    assert (status.level, status.message) == (level, message)
