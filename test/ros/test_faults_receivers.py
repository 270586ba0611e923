"""Receiver processes that are killed or hang, a node that is killed: seen, told, and over by itself."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers.fault_times import keep_times

pytest.importorskip("rclpy", reason="ROS is not here")
pytest.importorskip("vision_msgs", reason="vision_msgs is not here")

from helpers.fault_watch import WARN, FaultWatch, image_message, write_config
from helpers.node_process import NodeProcess
from helpers.ros_probe import RosProbe, wait_until
from sensor_msgs.msg import Image

CAMERAS = """\
  - {name: front}
  - {name: back}
ingest: {receivers: 2}"""
RESTART_S = 15.0
"""Longest until a camera whose receiver was lost has results again. About two seconds where a core is free."""
HANG_S = 5.0


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, _ros_environment: None) -> Iterator[NodeProcess]:
    folder = Path(tmp_path_factory.mktemp("node"))
    with NodeProcess(folder / "log", config=write_config(folder, CAMERAS), autostart=True) as node:
        node.wait_for("active")
        yield node
        children = _children(node.process.pid)
        assert len(children) == 2
        code, seconds = node.stop()
        assert code == 0
        assert seconds < 5.0
        assert all(map(_is_gone, children)), "receivers do not end with the node"
        assert "Traceback" not in node.text


@pytest.fixture(scope="module")
def send(probe: RosProbe) -> Iterator[Callable[[], None]]:
    """Sends an image of each camera."""
    cameras = [probe.advertise(Image, f"/{name}/image_raw", wait=False) for name in ("front", "back")]

    def send() -> None:
        for camera in cameras:
            camera.publish(image_message(time.time_ns()))

    yield send
    for camera in cameras:
        probe.node.destroy_publisher(camera)


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()  # a child belongs to the thread that started it
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def _processed(status: dict[str, str]) -> int:
    return int(status["processed"])


def _wait_for_results(watch: FaultWatch, send: Callable[[], None]) -> None:
    for name in ("front", "back"):
        watch.until(lambda status: _processed(status) > 0, name, doing=send)


def _receivers(watch: FaultWatch, send: Callable[[], None]) -> dict[str, int]:
    """Process id by camera, once both cameras have results."""
    _wait_for_results(watch, send)
    pids = {}
    for index in range(2):
        found = re.fullmatch(
            r"pid (\d+), restarted \d+ times: (\w+)", watch.latest("node")[f"perception_receiver_{index}"]
        )
        assert found is not None
        pids[found[2]] = int(found[1])
    return pids


def _is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_receiver_that_is_killed_is_replaced_and_its_camera_comes_back(
    node: NodeProcess, probe: RosProbe, send: Callable[[], None]
) -> None:
    watch = FaultWatch(probe)
    pids = _receivers(watch, send)
    before = {name: _processed(watch.latest(name)) for name in pids}
    os.kill(pids["front"], signal.SIGKILL)
    killed = time.monotonic()
    node.wait_for(f"(pid {pids['front']}) was killed by SIGKILL; a new one starts in 0 s")
    in_log = time.monotonic() - killed
    results = before["front"]
    listener = probe.listen(_detections(), "/front/detections")
    wait_until(lambda: send() is None and len(listener) > 0 and _is_gone(pids["front"]), what="a result")
    over = time.monotonic() - killed
    probe.stop_listening(listener)
    seen = watch.until(lambda status: status["receiver_restarts"] == "1" and _processed(status) > results, doing=send)
    assert watch.latest("back")["receiver_restarts"] == "0"
    assert _processed(watch.latest("back")) > before["back"]
    keep_times("receiver_killed", in_log=in_log, on_diagnostics=seen, over=over)
    assert over < RESTART_S


def _detections() -> type:
    from vision_msgs.msg import Detection2DArray

    return Detection2DArray  # type: ignore[no-any-return]


def test_a_receiver_that_hangs_is_killed_and_replaced(
    node: NodeProcess, probe: RosProbe, send: Callable[[], None]
) -> None:
    watch = FaultWatch(probe)
    pids = _receivers(watch, send)
    os.kill(pids["back"], signal.SIGSTOP)
    stopped = time.monotonic()
    seen = watch.until(lambda status: status["receiver_restarts"] == "1", "back", doing=send)
    assert f"(pid {pids['back']}) gave no sign of life for 5 s and was killed by SIGKILL" in node.text
    before = _processed(watch.latest("back"))
    watch.until(lambda status: _processed(status) > before, "back", doing=send)
    keep_times("receiver_hangs", on_diagnostics=seen, over=time.monotonic() - stopped)
    assert seen >= HANG_S - 1.0
    assert _is_gone(pids["back"])


def test_receivers_of_a_killed_node_end_and_leave_nothing_behind(
    probe: RosProbe, send: Callable[[], None], tmp_path: Path
) -> None:
    config = write_config(tmp_path, CAMERAS)
    names = {"__node": "mortal"}
    with NodeProcess(tmp_path / "log", config=config, autostart=True, remap=names) as node:
        node.wait_for("active")
        receivers = _children(node.process.pid)
        _wait_for_results(FaultWatch(probe, "mortal"), send)
        maps = [Path(f"/proc/{pid}/maps").read_text() for pid in receivers]
        assert all("memfd:trt_perception" in text for text in maps), "the rings are not where this test looks for them"
        node.process.kill()
        killed = time.monotonic()
        wait_until(lambda: all(map(_is_gone, receivers)), timeout_s=10.0, what="the end of the receivers")
        keep_times("node_killed", process_ended=time.monotonic() - killed)
    assert [path for path in Path("/dev/shm").iterdir() if "trt_perception" in path.name] == []
    with NodeProcess(tmp_path / "log2", config=config, autostart=True, remap=names) as node:
        node.wait_for("active")
        _wait_for_results(FaultWatch(probe, "mortal"), send)
        assert node.stop()[0] == 0
        assert "Traceback" not in node.text


SMALL_LIMITS = """
import sys
from trt_perception.ros import main
from trt_perception.settings import receiver_count
receiver_count.IN_PROCESS_MB_PER_S = 1e-3
receiver_count.LEAST_CORES = 1
sys.exit(main.main(sys.argv[1:]))
"""


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="a receiver wants a second core")
def test_more_images_than_one_process_takes_are_told_with_what_to_set(
    probe: RosProbe, send: Callable[[], None], tmp_path: Path
) -> None:
    config = write_config(tmp_path, CAMERAS.replace("receivers: 2", "receivers: 0"))
    names = {"__node": "alone"}
    with NodeProcess(tmp_path / "log", program=SMALL_LIMITS, config=config, autostart=True, remap=names) as node:
        node.wait_for("active")
        watch = FaultWatch(probe, "alone")
        seen = watch.until(lambda status: status["level"] == WARN, "node", doing=send)
        keep_times("too_many_images", on_diagnostics=seen)
        assert "set `ingest: {receivers: " in watch.latest("node")["message"]
        assert node.stop()[0] == 0
