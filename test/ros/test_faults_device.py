"""A device that is lost for this process: one clear line, an exit code that makes launch start the node again."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from helpers.channel_rig import Rig
from helpers.fault_times import keep_times
from helpers.worker_fakes import FakeProcessor, image_bytes

from trt_perception.errors import DeviceError, DropReason
from trt_perception.frame import EncodedFrame, Frame

pytest.importorskip("rclpy", reason="ROS is not here")
pytest.importorskip("vision_msgs", reason="vision_msgs is not here")


from helpers.fault_watch import image_message, write_config
from helpers.node_process import NodeProcess
from helpers.ros_probe import RosProbe
from sensor_msgs.msg import Image

RUN_TO_LOSS = """
import sys, time
from trt_perception.errors import DeviceError
from trt_perception.ros import main, model_pool
from trt_perception.runtime.null_backend import NullBackend

class LostAtTheThird(NullBackend):
    calls = 0

    def infer(self, inputs):
        self.calls += 1
        if self.calls > {good}:
            raise DeviceError("GPU 0: an illegal memory access was encountered", is_sticky=True)
        return super().infer(inputs)

    def close(self):
        time.sleep(60)  # freeing on a lost device may never come back

model_pool.make_backend = lambda kind, spec, **options: LostAtTheThird(spec)
sys.exit(main.main(sys.argv[1:]))
"""
LINE = "perception: GPU 0: an illegal memory access was encountered; ending, so that launch starts it again"


def test_a_sticky_error_ends_the_process_with_one_line_and_exit_code_3(tmp_path: Path) -> None:
    program = RUN_TO_LOSS.format(good=3)  # of them one warms up
    config = write_config(tmp_path, "  - {name: front}\n  - {name: back}")
    with NodeProcess(tmp_path / "log", program=program, config=config, autostart=True) as node, RosProbe() as probe:
        node.wait_for("active")
        cameras = [probe.advertise(Image, f"/{name}/image_raw") for name in ("front", "back")]
        sent = time.monotonic()
        while node.process.poll() is None:
            for camera in cameras:
                camera.publish(image_message(time.time_ns()))
            time.sleep(0.02)
            assert time.monotonic() - sent < 10.0, node.text
        keep_times("sticky_cuda_error", process_ended=time.monotonic() - sent)
        assert node.process.returncode == 3
        assert node.text.count("illegal memory access") == 1
        assert node.text.splitlines()[-1] == LINE
        assert "Traceback" not in node.text


RUN_TO_STANDSTILL = RUN_TO_LOSS.replace(
    'raise DeviceError("GPU 0: an illegal memory access was encountered", is_sticky=True)',
    """with Watched("GPU 0: running the engine demo.engine"):
                time.sleep(60)""",
).replace("import sys, time", "import sys, time\nfrom trt_perception.runtime.gpu_watch import Watched")


STUCK = "perception: GPU 0: running the engine demo.engine has not ended after 2 s"


def test_a_gpu_that_does_not_come_back_ends_the_process_with_one_line_and_exit_code_3(tmp_path: Path) -> None:
    program = RUN_TO_STANDSTILL.format(good=3)
    config = write_config(tmp_path)
    with NodeProcess(tmp_path / "log", program=program, config=config, autostart=True) as node, RosProbe() as probe:
        node.wait_for("active")
        camera = probe.advertise(Image, "/front/image_raw")
        sent = time.monotonic()
        while node.process.poll() is None:
            camera.publish(image_message(time.time_ns()))
            time.sleep(0.02)
            assert time.monotonic() - sent < 20.0, node.text
        keep_times("stuck_gpu", process_ended=time.monotonic() - sent)
        assert node.process.returncode == 3
        assert node.text.count("has not ended") == 1
        assert node.text.splitlines()[-1].startswith(STUCK)
        assert node.text.splitlines()[-1].endswith("; ending, so that launch starts it again")
        assert "Traceback" not in node.text


def test_a_gpu_that_does_not_come_back_while_models_are_loaded_ends_the_process_too(tmp_path: Path) -> None:
    program = RUN_TO_STANDSTILL.format(good=0)
    config, started = write_config(tmp_path), time.monotonic()
    with NodeProcess(tmp_path / "log", program=program, config=config, autostart=True) as node:
        assert node.wait() == 3
        keep_times("stuck_gpu_at_loading", from_start=time.monotonic() - started)
        assert node.text.splitlines()[-1].startswith(STUCK)


def test_a_device_lost_while_models_are_loaded_ends_the_process_too(tmp_path: Path) -> None:
    program = RUN_TO_LOSS.format(good=0).replace("time.sleep(60)", "pass")
    config, started = write_config(tmp_path), time.monotonic()
    with NodeProcess(tmp_path / "log", program=program, config=config, autostart=True) as node:
        assert node.wait() == 3
        keep_times("sticky_cuda_error_at_loading", from_start=time.monotonic() - started)
        assert node.text.count("illegal memory access") == 1


def test_other_pipelines_of_the_camera_are_not_tried_on_a_lost_device(tmp_path: Path) -> None:
    lost: list[DeviceError] = []

    def fail(frame: Frame | EncodedFrame) -> None:
        raise DeviceError("gone", is_sticky=True)

    with Rig(tmp_path, FakeProcessor(fail), FakeProcessor(), on_lost_device=lost.append) as rig:
        got = rig.send(image_bytes(time.time_ns()))
    assert [str(error) for error in lost] == ["gone"]
    assert rig.processors[1].seen == []
    assert got.dropped == {DropReason.INFERENCE_FAILED: 1}
    assert rig.warnings == []
