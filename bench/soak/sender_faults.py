"""Faults of those who send and listen, and of the disk."""

from __future__ import annotations

import resource
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.camera_sender import CameraSender
from helpers.slow_subscriber import SlowSubscriber

from bench.soak.fault import MARGIN_S, PERIOD_S, Fault, Times
from bench.soak.picture import FRAME_ID
from bench.soak.status_watch import ERROR, OK, STALE, WARN, CameraState

if TYPE_CHECKING:
    from bench.soak.camera import SoakCamera

TIMEOUT_S = 1.0
"""The cameras' timeout_ms."""
LEASE_S = 20.0
"""Fast DDS takes a publisher whose process was killed for alive that long."""


def _silent(camera: SoakCamera, before: CameraState) -> Times:
    began = time.monotonic()
    state = camera.until(lambda state: state.level == STALE, since_s=began, timeout_s=6.0, doing=camera.tick)
    return Times(seen_s=None if state is None else state.came_s - began, over_s=camera.until_answered(5.0))


def _restart(camera: SoakCamera, before: CameraState) -> Times:
    began = time.monotonic()
    camera.close_publisher()

    def holds(state: CameraState) -> bool:
        return state.level == STALE and "(0 publishers)" in state.message

    state = camera.until(holds, since_s=began, timeout_s=6.0, doing=camera.tick)
    camera.open_publisher()
    return Times(seen_s=None if state is None else state.came_s - began, over_s=camera.until_answered(5.0))


def _second(camera: SoakCamera, before: CameraState) -> Times:
    began = time.monotonic()
    other = camera.open_publisher(wait=False)

    def holds(state: CameraState) -> bool:
        return state.level == WARN and state.values["publishers"] == "2" and "2 publishers" in state.message

    def send_from_both() -> None:
        camera.send_good()
        if other.get_subscription_count():
            camera.send(camera.pictures[0], camera.now_ns(), publisher=other)

    state = camera.until(holds, since_s=began, timeout_s=5.0, doing=send_from_both)
    camera.close_publisher(other)
    gone = time.monotonic()
    camera.until(lambda state: state.values["publishers"] == "1", since_s=gone, timeout_s=5.0)
    return Times(seen_s=None if state is None else state.came_s - began, over_s=camera.until_answered(5.0))


def _killed(camera: SoakCamera, before: CameraState) -> Times:
    """A second driver, a process, is killed while it sends; until its lease ends it counts."""
    with tempfile.TemporaryDirectory() as folder:
        other = CameraSender(
            camera=camera.plan.name,
            topic=camera.plan.topic,
            ledger=Path(folder) / "sent.jsonl",
            compressed=camera.plan.compressed,
            frame_id=FRAME_ID,
            hz=camera.options.hz,
            count=10_000,
            size=(camera.options.width, camera.options.height),
        )
        process = other.start()
        try:
            while not other.ledger.exists():
                camera.send_good()
            began = time.monotonic()
            state = camera.until(
                lambda state: state.level == WARN and "2 publishers" in state.message, since_s=began, timeout_s=5.0
            )
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        killed = time.monotonic()
        camera.add_foreign(other.sent_stamps())
    over_s = camera.until_answered(5.0)
    gone = camera.until(
        lambda state: state.values["publishers"] == "1", since_s=killed, timeout_s=LEASE_S + PERIOD_S + MARGIN_S
    )
    return Times(seen_s=None if state is None else state.came_s - began, over_s=over_s if gone is not None else None)


def _clash(camera: SoakCamera, before: CameraState) -> Times:
    """The driver comes back best effort, and the node asks for reliable."""
    camera.close_publisher()
    began = time.monotonic()
    camera.open_publisher(reliable=False, wait=False)

    def holds(state: CameraState) -> bool:
        return state.level in (ERROR, STALE) and "quality of service clashes" in state.message

    state = camera.until(holds, since_s=began, timeout_s=5.0, doing=camera.send_unheard)
    camera.close_publisher()
    camera.open_publisher()
    return Times(seen_s=None if state is None else state.came_s - began, over_s=camera.until_answered(5.0))


def _slow_subscriber(camera: SoakCamera, before: CameraState) -> Times:
    """One that stops reading for a while and goes on: others get their results all the time."""
    with SlowSubscriber({f"/{camera.plan.name}/detections": "vision_msgs.msg.Detection2DArray"}) as slow:
        camera.send_for(3.0)  # it finds the publisher meanwhile
        slow.wait()
        slow.stop_reading()
        camera.send_for(camera.random.uniform(2.0, 8.0))
        over_s = camera.until_answered(5.0)
        slow.read_on()
        camera.send_for(1.0)
    return Times(over_s=over_s)


@contextmanager
def _full_disk(pid: int) -> Iterator[None]:
    """The process's files cannot grow any more, of which the drop log is the largest."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (DROP_LOG_START, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))


DROP_LOG_START = 128 * 2**20
"""The drop log begins there, behind a hole, so that a limit of that size stops it and no other file of the node."""


def _disk_full(camera: SoakCamera, before: CameraState) -> Times:
    def drop() -> None:
        last_ns = camera.send_good()
        camera.tick()
        camera.send(camera.pictures[0], last_ns)

    with _full_disk(camera.node_pid):
        drop()
        began = time.monotonic()
        state = camera.until(
            lambda state: state.level == WARN and "drop log: " in state.message,
            name="node",
            since_s=began,
            timeout_s=5.0,
            doing=drop,
        )
    freed = time.monotonic()
    drop()
    over = camera.until(lambda state: state.level == OK, name="node", since_s=freed, timeout_s=5.0, doing=drop)
    return Times(
        seen_s=None if state is None else state.came_s - began, over_s=None if over is None else over.came_s - freed
    )


SILENT_S = TIMEOUT_S + PERIOD_S + MARGIN_S / 2

SENDER_FAULTS = (
    Fault(name="camera falls silent", play=_silent, seen_within_s=SILENT_S),
    Fault(name="camera's driver ends and is started again", play=_restart, seen_within_s=SILENT_S),
    Fault(name="two publishers on one topic", play=_second),
    Fault(name="a second publisher is killed", play=_killed, is_slow=True),
    Fault(name="clashing quality of service", play=_clash, fits=lambda plan: plan.reliable),
    Fault(name="slow subscriber", play=_slow_subscriber, seen_within_s=None, fits=lambda plan: plan.name == "front"),
    Fault(
        name="disk full: drop log",
        play=_disk_full,
        over_within_s=PERIOD_S + MARGIN_S,
        fits=lambda plan: plan.name == "back",
    ),
)
