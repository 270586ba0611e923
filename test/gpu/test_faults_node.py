"""A node whose GPU is brought into trouble: one line, exit code 3, and a new process goes on.

Needs what test_faults.py needs, and ROS 2 with vision_msgs in this Python.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from helpers.fault_times import keep_times

pytest.importorskip("rclpy", reason="ROS is not here")
pytest.importorskip("vision_msgs", reason="vision_msgs is not here")

from helpers.demo_engine import demo_engine
from helpers.fault_watch import image_message
from helpers.node_process import NodeProcess
from helpers.ros_probe import RosProbe
from sensor_msgs.msg import Image

pytestmark = [pytest.mark.gpu, pytest.mark.timeout(300)]

HERE = Path(__file__).resolve().parent

# The fault comes with the tenth frame of the first camera, on its own stream.
PROGRAM = """
import sys
from pathlib import Path
import numpy as np
from trt_perception.kernel_call import KernelCall, KernelSource
from trt_perception.ros import main
from trt_perception.runtime.gpu_pipeline import GpuPipeline

source = KernelSource(file="faults.cu", function="{fault}")
start, seen = GpuPipeline.start, []

def faulty(self, *frames):
    gpu = self._opened.engine.gpu
    if self.stream is not None:
        gpu.use()
        gpu.load_kernel(source, root=Path("{here}"))
        seen.append(self)
        if len(seen) == 10:
            memory = gpu.allocate(256)
            gpu.fill_with_zeros(memory, self.stream)
            call = KernelCall(source=source, grid=(1, 1, 1), block=(1, 1, 1), arguments=(np.uint64(memory.address),))
            gpu.launch(call, int(self.stream.handle))
    return start(self, *frames)

GpuPipeline.start = faulty
sys.exit(main.main(sys.argv[1:]))
"""

CONFIG = """\
cameras: [{{name: front}}, {{name: back}}]
models: [{{name: road, spec: {engine}}}]
pipelines: [{{name: road, model: road, always_on: true}}]
"""

LINES = {
    "illegal_address": ("the process must be started again", 5.0),
    "endless": ("has not ended after 2 s, and nothing on a GPU can be broken off", 10.0),
}


@pytest.mark.parametrize("fault", LINES)
def test_the_node_ends_with_one_line_and_the_next_one_answers(trt: Any, tmp_path: Path, fault: str) -> None:
    line, limit_s = LINES[fault]
    engine = demo_engine("demo_model", tmp_path)
    config = tmp_path / "perception.yaml"
    config.write_text(CONFIG.format(engine=engine))
    program = PROGRAM.format(fault=fault, here=HERE)
    options: dict[str, Any] = {"config": config, "autostart": True}
    with RosProbe() as probe:
        with NodeProcess(tmp_path / "log", program=program, **options) as node:
            node.wait_for("active", timeout_s=120.0)
            cameras = [probe.advertise(Image, f"/{name}/image_raw") for name in ("front", "back")]
            sent = time.monotonic()
            while node.process.poll() is None:
                for camera in cameras:
                    camera.publish(image_message(time.time_ns()))
                time.sleep(0.02)
                assert time.monotonic() - sent < 30.0, node.text
            ended_s = time.monotonic() - sent
            assert node.process.returncode == 3, node.text
            assert node.text.count(line) == 1
            assert line in node.text.splitlines()[-1]
            assert node.text.splitlines()[-1].endswith("; ending, so that launch starts it again")
            assert "Traceback" not in node.text
        assert ended_s < limit_s
        answers = probe.listen(Image, "/front/segmentation")
        started = time.monotonic()
        with NodeProcess(tmp_path / "second", **options) as second:
            while not len(answers):
                cameras[0].publish(image_message(time.time_ns()))
                time.sleep(0.02)
                assert time.monotonic() - started < 120.0, second.text
            over_s = time.monotonic() - started
            assert second.stop()[0] == 0
    keep_times(f"gpu_node_{fault}", process_ended=ended_s, over=over_s)
