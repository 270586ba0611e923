"""perception.launch.py with `build:=true`: the engines first, then the node."""

from __future__ import annotations

import json
import os
import textwrap
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("launch_ros.actions", reason="the ROS package launch_ros is not installed here")

from helpers.launch_process import REPOSITORY, LaunchProcess

FILE = "perception.launch.py"

# A launch file that gives all that it includes a namespace, a parameter and a variable.
INCLUDING = """
from launch import LaunchDescription
from launch.actions import GroupAction, IncludeLaunchDescription, SetEnvironmentVariable
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch_ros.actions import PushRosNamespace, SetParameter


def generate_launch_description():
    arguments = {{"config": "{config}", "build": "true"}}
    include = IncludeLaunchDescription(PythonLaunchDescriptionSource("{file}"), launch_arguments=arguments.items())
    variable = SetEnvironmentVariable("FASTDDS_OF_THE_GROUP", "here")
    return LaunchDescription(
        [GroupAction([PushRosNamespace("car"), SetParameter("use_sim_time", True), variable, include])]
    )
"""

# What the builder imports as `tensorrt`: TensorRT-RTX, which builds ahead of time without a GPU.
TENSORRT = "from tensorrt_rtx_bindings import *\nfrom tensorrt_rtx_bindings import __version__\n"


@pytest.fixture
def engine_config(config: Path) -> Path:
    """The config, on TensorRT, with an engine that can be built here."""
    text = config.read_text().replace("backend: onnxruntime", "backend: tensorrt")
    engine = "engine: {plan: fp16, builder: {ahead_of_time: SM89}}"
    config.write_text(text.replace("spec: tiny.onnx}", f"spec: tiny.onnx, {engine}}}"))
    return config


@pytest.fixture
def with_tensorrt(tmp_path: Path) -> dict[str, str]:
    """Variables with which the builder finds a `tensorrt`."""
    pytest.importorskip("tensorrt_rtx_bindings", reason="TensorRT-RTX (tensorrt-rtx-cu13-bindings) is absent")
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules/tensorrt.py").write_text(TENSORRT)
    return {"PYTHONPATH": f"{tmp_path / 'modules'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}


def _started(process: LaunchProcess) -> dict[str, Any]:
    """How the stand-in for the node was started."""
    started: dict[str, Any] = json.loads(process.wait_for(r"started as (\{.*\})", timeout_s=60.0))
    return started


def test_the_node_starts_when_its_engines_are_there(
    launch_stand_in: Any, engine_config: Path, with_tensorrt: dict[str, str]
) -> None:
    process = launch_stand_in(FILE, f"config:={engine_config}", "build:=true", **with_tensorrt)

    assert _started(process)["arguments"]
    assert engine_config.with_name("tiny.engine").is_file()
    built = process.output.index("tiny.engine: built in")
    assert built < process.output.index("perception_node-")
    assert process.interrupt() == 0


def test_a_node_that_had_to_wait_keeps_what_its_group_sets(
    launch_stand_in: Any, engine_config: Path, with_tensorrt: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "car.launch.py"
    file.write_text(textwrap.dedent(INCLUDING).format(file=REPOSITORY / "launch" / FILE, config=engine_config))

    started = _started(launch_stand_in(str(file), **with_tensorrt))

    assert "__ns:=/car" in started["arguments"]
    assert "use_sim_time:=True" in started["arguments"]
    assert started["environment"]["FASTDDS_OF_THE_GROUP"] == "here"


def test_a_build_that_fails_ends_the_launch_with_its_reason(launch_stand_in: Any, engine_config: Path) -> None:
    engine_config.write_text(engine_config.read_text().replace("plan: fp16", "plan: int4"))

    process = launch_stand_in(FILE, f"config:={engine_config}", "build:=true")

    assert process.wait() == 1
    assert "trt-perception build: models[0].engine.plan: expected a YAML, int8_backbone_fp16_head" in process.output
    assert "engines could not be built (see above), code 2: no node is started" in process.output
    assert process.node_pids == []
    assert "Traceback" not in process.output


def test_control_c_while_engines_are_built_starts_no_node(
    launch_stand_in: Any, engine_config: Path, tmp_path: Path, with_tensorrt: dict[str, str]
) -> None:
    slow = f"{TENSORRT}import time, sys\nprint('at work', file=sys.stderr, flush=True)\ntime.sleep(60)\n"
    (tmp_path / "modules/tensorrt.py").write_text(slow)
    process = launch_stand_in(FILE, f"config:={engine_config}", "build:=true", **with_tensorrt)
    process.wait_for("at work")

    process.interrupt()

    assert process.node_pids == []
    assert "Traceback" not in process.output


@pytest.mark.parametrize("arguments", [("build:=false",), ("build:=true", "backend:=onnxruntime")], ids=["no", "cpu"])
def test_nothing_is_built_unless_engines_are_asked_for(
    arguments: tuple[str, ...], launch_stand_in: Any, engine_config: Path
) -> None:
    process = launch_stand_in(FILE, f"config:={engine_config}", *arguments)

    assert _started(process)["arguments"]
    assert "[build-" not in process.output
    assert not engine_config.with_name("tiny.engine").exists()


def test_another_word_than_true_or_false_is_refused(launch_stand_in: Any, engine_config: Path) -> None:
    process = launch_stand_in(FILE, f"config:={engine_config}", "build:=always")

    assert process.wait() == 1
    assert "launch argument build: expected true, false, got 'always'" in process.output
