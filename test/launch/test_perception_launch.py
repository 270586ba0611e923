"""perception.launch.py: what it starts the node with, and how the node lives."""

from __future__ import annotations

import json
import os
import re
import signal
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest.importorskip("launch_ros.actions", reason="the ROS package launch_ros is not installed here")
pytest.importorskip("rclpy", reason="ROS 2 is not installed here")

from helpers.launch_process import REPOSITORY, LaunchProcess
from helpers.ros_probe import RosProbe, wait_until
from lifecycle_msgs.srv import GetState

FILE = "perception.launch.py"

# A launch file that sets the time for all that it includes.
SIMULATED = """
from launch import LaunchDescription
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch_ros.actions import SetParameter


def generate_launch_description():
    include = IncludeLaunchDescription(
        PythonLaunchDescriptionSource("{file}"), launch_arguments={{"config": "{config}"}}.items()
    )
    return LaunchDescription([SetParameter("use_sim_time", True), include])
"""

PROFILE = str(REPOSITORY / "config/fastdds_large_segment.xml")


def _started(process: LaunchProcess) -> dict[str, Any]:
    """How the stand-in was started."""
    started: dict[str, Any] = json.loads(process.wait_for(r"started as (\{.*\})"))
    return started


def _parameters(started: dict[str, Any]) -> dict[str, Any]:
    """The parameters that launch gives, of the last file, which holds nothing else."""
    (parameters,) = yaml.safe_load(started["parameters"][-1]).values()
    return dict(parameters["ros__parameters"])


def _remappings(started: dict[str, Any]) -> list[str]:
    return [
        rule for option, rule in zip(started["arguments"], started["arguments"][1:], strict=False) if option == "-r"
    ]


def test_by_default_the_node_starts_itself_under_its_name(launch_stand_in: Any, config: Path) -> None:
    started = _started(launch_stand_in(FILE, f"config:={config}"))

    assert _parameters(started) == {"config": str(config), "autostart": True}
    assert _remappings(started) == ["__node:=perception", "__ns:=/"]


def test_every_argument_reaches_the_node(launch_stand_in: Any, config: Path, tmp_path: Path) -> None:
    (tmp_path / "more.yaml").write_text("/**: {ros__parameters: {autostart: true, score_threshold: 0.5}}\n")

    started = _started(
        launch_stand_in(
            FILE,
            f"config:={config}",
            "name:=eyes",
            "namespace:=/car",
            "backend:=tensorrt",
            "autostart:=False",
            "use_sim_time:=True",
            f"params_file:={tmp_path / 'more.yaml'}",
            f"drop_log:={tmp_path / 'drops.jsonl'}",
            "log_level:=eyes:=debug",
        )
    )

    assert _parameters(started) == {
        "config": str(config),
        "autostart": False,
        "use_sim_time": True,
        "backend": "tensorrt",
        "drop_log": str(tmp_path / "drops.jsonl"),
    }
    assert yaml.safe_load(started["parameters"][0])["/**"]["ros__parameters"]["score_threshold"] == 0.5
    assert _remappings(started) == ["__node:=eyes", "__ns:=/car"]
    assert "--log-level eyes:=debug" in " ".join(started["arguments"])


def test_image_namespace_moves_relative_image_topics_alone(launch_stand_in: Any, config: Path) -> None:
    started = _started(
        launch_stand_in(FILE, f"config:={config}", "namespace:=car", "image_namespace:=/sensing/camera/")
    )

    assert _remappings(started) == [
        "__node:=perception",
        "__ns:=/car",
        "CAM_FRONT/image_raw:=/sensing/camera/CAM_FRONT/image_raw",
        "CAM_BACK/image_raw/compressed:=/sensing/camera/CAM_BACK/image_raw/compressed",
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({}, {"FASTDDS_DEFAULT_PROFILES_FILE": PROFILE}, id="no_distribution"),
        pytest.param({"ROS_DISTRO": "kilted"}, {"FASTDDS_DEFAULT_PROFILES_FILE": PROFILE}, id="fast_dds_3"),
        pytest.param({"ROS_DISTRO": "humble"}, {"FASTRTPS_DEFAULT_PROFILES_FILE": PROFILE}, id="fast_dds_2"),
        pytest.param(
            {"FASTDDS_DEFAULT_PROFILES_FILE": "/mine.xml"},
            {"FASTDDS_DEFAULT_PROFILES_FILE": "/mine.xml"},
            id="users_own",
        ),
    ],
)
def test_fast_dds_gets_the_large_segment_unless_the_user_chose(
    launch_stand_in: Any, config: Path, given: dict[str, str], expected: dict[str, str]
) -> None:
    started = _started(launch_stand_in(FILE, f"config:={config}", **{"ROS_DISTRO": "", **given}))

    assert started["environment"] == expected


def test_a_given_fast_dds_profile_comes_before_what_the_environment_names(
    launch_stand_in: Any, config: Path, tmp_path: Path
) -> None:
    (tmp_path / "given.xml").touch()

    process = launch_stand_in(
        FILE,
        f"config:={config}",
        f"dds_profile:={tmp_path / 'given.xml'}",
        ROS_DISTRO="",
        FASTDDS_DEFAULT_PROFILES_FILE="/mine.xml",
    )

    assert _started(process)["environment"] == {"FASTDDS_DEFAULT_PROFILES_FILE": str(tmp_path / "given.xml")}


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        pytest.param("config:=/no/such.yaml", "/no/such.yaml", id="absent_config"),
        pytest.param("autostart:=yes", "autostart: expected true, false, launch, got 'yes'", id="autostart"),
        pytest.param("respawn:=often", "respawn: expected true, false, got 'often'", id="respawn"),
        pytest.param("respawn_delay:=soon", "respawn_delay: expected seconds from 0 to 3600, got 'soon'", id="delay"),
        pytest.param("backend:=tflite", "backend: expected tensorrt, onnxruntime", id="backend"),
        pytest.param("params_file:=/no/such.yaml", "params_file: no file /no/such.yaml", id="absent_params_file"),
        pytest.param("dds_profile:=/no/such.xml", "dds_profile: no file /no/such.xml", id="absent_profile"),
    ],
)
def test_a_wrong_argument_is_one_line_and_starts_nothing(
    launch_stand_in: Any, config: Path, argument: str, message: str
) -> None:
    process = launch_stand_in(FILE, f"config:={config}", argument)

    assert process.wait() == 1
    assert [line for line in process.output.splitlines() if "ERROR" in line and message in line]
    assert "Traceback" not in process.output
    assert process.node_pids == []


def test_a_wrong_config_names_the_setting_and_starts_nothing(launch_stand_in: Any, config: Path) -> None:
    config.write_text(config.read_text().replace("threads:", "thread:"))

    process = launch_stand_in(FILE, f"config:={config}")

    assert process.wait() == 1
    assert "perception.yaml" in process.output
    assert "threads" in process.output
    assert process.node_pids == []


def test_config_is_required(launch_stand_in: Any) -> None:
    process = launch_stand_in(FILE)

    assert process.wait() == 1
    assert "'config'" in process.output


def test_a_node_that_cannot_use_its_input_is_not_started_again(launch_stand_in: Any, config: Path) -> None:
    process = launch_stand_in(FILE, f"config:={config}", "respawn_delay:=0.5", STAND_IN_EXIT_CODE="2")

    process.wait()

    assert "is not started again" in process.output
    assert len(process.node_pids) == 1


def test_a_node_whose_device_failed_is_started_again(launch_stand_in: Any, config: Path) -> None:
    process = launch_stand_in(FILE, f"config:={config}", "respawn_delay:=0.2", STAND_IN_EXIT_CODE="3")

    process.wait_for("started as", count=3)


def test_without_respawn_launch_ends_with_the_node(launch_stand_in: Any, config: Path) -> None:
    process = launch_stand_in(FILE, f"config:={config}", "respawn:=false", STAND_IN_EXIT_CODE="3")

    process.wait()

    assert len(process.node_pids) == 1


def _wait_for_state(probe: RosProbe, label: str) -> None:
    """Ask again and again: a process that was killed leaves services behind, and they never answer."""

    def is_reached() -> bool:
        try:
            response = probe.call(GetState, "/perception/get_state", GetState.Request(), timeout_s=1.0)
        except AssertionError:
            return False
        return bool(response.current_state.label == label)

    wait_until(is_reached, timeout_s=30.0, what=f"state {label}")


@pytest.mark.parametrize("autostart", ["true", "launch"])
def test_comes_up_comes_back_after_a_crash_and_ends_cleanly(launch_node: Any, config: Path, autostart: str) -> None:
    process = launch_node(FILE, f"config:={config}", f"autostart:={autostart}", "respawn_delay:=0.5")

    with RosProbe() as probe:
        _wait_for_state(probe, "active")
        os.kill(process.node_pids[0], signal.SIGKILL)
        process.wait_for(r"\[perception\]: active", count=2)
        _wait_for_state(probe, "active")
        assert process.interrupt() == 0

    assert len(process.node_pids) == 2
    assert process.output.count("process has finished cleanly") == 1
    assert "failed to terminate" not in process.output
    assert "Traceback" not in process.output


def test_launch_tells_that_the_node_is_active(launch_node: Any, config: Path) -> None:
    process = launch_node(FILE, f"config:={config}", "autostart:=launch", "namespace:=/car")

    process.wait_for("/car/perception is active")


def test_launch_tells_that_the_node_could_not_be_configured(launch_node: Any, config: Path) -> None:
    (config.parent / "tiny.onnx").write_bytes(b"not a model")

    process = launch_node(FILE, f"config:={config}", "autostart:=launch")

    process.wait_for("/perception could not be configured")


def test_without_autostart_the_node_waits_for_a_manager(launch_node: Any, config: Path) -> None:
    process = launch_node(FILE, f"config:={config}", "autostart:=false")

    with RosProbe() as probe:
        _wait_for_state(probe, "unconfigured")
        time.sleep(1.0)
        _wait_for_state(probe, "unconfigured")
    assert process.interrupt() == 0


def test_the_node_subscribes_in_the_image_namespace(launch_node: Any, config: Path) -> None:
    launch_node(FILE, f"config:={config}", "namespace:=/car", "image_namespace:=/sensing")

    with RosProbe() as probe:
        for topic in ("/sensing/CAM_FRONT/image_raw", "/sensing/CAM_BACK/image_raw/compressed", "/left/image"):
            wait_until(lambda topic=topic: probe.node.count_subscribers(topic) == 1, what=f"a subscriber of {topic}")
        wait_until(lambda: probe.node.count_publishers("/car/CAM_FRONT/detections") == 1, what="a publisher of results")


def test_the_launch_file_of_the_docs_includes_ours_in_its_namespace(
    launch_stand_in: Any, config: Path, tmp_path: Path
) -> None:
    text = (REPOSITORY / "docs/launch.md").read_text()
    (example,) = re.findall(r"((?:    .*\n|\n)+    def generate_launch_description(?:.*\n)(?:    .*\n|\n)+)", text)
    share = tmp_path / "prefix/share/trt_perception"
    share.mkdir()
    (share / "launch").symlink_to(REPOSITORY / "launch")
    file = tmp_path / "car.launch.py"
    file.write_text(textwrap.dedent(example).replace("/etc/car/perception.yaml", str(config)))

    started = _started(launch_stand_in(str(file)))

    assert _remappings(started)[:2] == ["__node:=perception", "__ns:=/car"]
    assert "CAM_FRONT/image_raw:=/sensing/camera/CAM_FRONT/image_raw" in _remappings(started)


def test_an_including_file_sets_the_time(launch_stand_in: Any, config: Path, tmp_path: Path) -> None:
    (tmp_path / "car.launch.py").write_text(SIMULATED.format(file=REPOSITORY / "launch" / FILE, config=config))

    started = _started(launch_stand_in(str(tmp_path / "car.launch.py")))

    assert "use_sim_time:=True" in started["arguments"]
    assert "use_sim_time" not in _parameters(started)
