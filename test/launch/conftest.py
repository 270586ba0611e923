"""What the tests of the launch files share: a config with a tiny model, and packages to launch."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from helpers.launch_process import LaunchProcess, make_prefix
from helpers.ros_environment import UNWANTED, ros_environment
from helpers.tiny_onnx import make_yolox_onnx

Launch = Callable[..., LaunchProcess]

# In place of the node: says how it was started, and waits for the end.
STAND_IN = """#!{python}
import json, os, pathlib, signal, sys
files = [value for option, value in zip(sys.argv, sys.argv[1:]) if option == "--params-file"]
started = {{
    "arguments": sys.argv[1:],
    "parameters": [pathlib.Path(file).read_text() for file in files],
    "environment": {{name: value for name, value in os.environ.items() if name.startswith(("FASTDDS", "FASTRTPS"))}},
}}
print("started as " + json.dumps(started), flush=True)
if "STAND_IN_EXIT_CODE" in os.environ:
    sys.exit(int(os.environ["STAND_IN_EXIT_CODE"]))
signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
signal.pause()
"""

NODE = """#!/bin/sh
exec {python} -m trt_perception.ros.main "$@"
"""


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ROS domain of this process alone, so that runs beside it do not talk to it."""
    for name in UNWANTED:
        monkeypatch.delenv(name, raising=False)
    for name, value in ros_environment(tmp_path / "ros_log").items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A config of two cameras on the CPU."""
    make_yolox_onnx(tmp_path / "tiny.onnx")
    file = tmp_path / "perception.yaml"
    file.write_text(
        "backend: onnxruntime\n"
        "threads: 1\n"
        "cameras: [{name: CAM_FRONT}, {name: CAM_BACK, transport: compressed}, {name: CAM_LEFT, topic: /left/image}]\n"
        "models: [{name: tiny, spec: tiny.onnx}]\n"
        "pipelines: [{name: detection, model: tiny}]\n"
    )
    return file


@pytest.fixture
def launch_stand_in(tmp_path: Path, environment: None) -> Iterator[Launch]:
    """Launch files started with a stand-in for the node."""
    with ExitStack() as stack:
        yield _launcher(stack, tmp_path, STAND_IN)


@pytest.fixture
def launch_node(tmp_path: Path, environment: None) -> Iterator[Launch]:
    """Launch files started with the real node."""
    with ExitStack() as stack:
        yield _launcher(stack, tmp_path, NODE)


def _launcher(stack: ExitStack, folder: Path, executable: str) -> Launch:
    prefix = make_prefix(folder / "prefix", executable=executable.format(python=sys.executable))

    def launch(file: str, *arguments: str, **environment: str) -> LaunchProcess:
        process = LaunchProcess(file, arguments, prefix=prefix, folder=folder, environment=environment)
        return stack.enter_context(process)

    return launch
