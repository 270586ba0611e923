"""The example configs, with tiny models in the place of a user's: they load, and the node takes them as they are."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from helpers.ros_environment import ros_environment
from helpers.tiny_onnx import make_semantic_onnx, make_yolov8_onnx, ultralytics_metadata

from trt_perception.cli.main import main
from trt_perception.runtime.backend import BackendKind
from trt_perception.settings.load_settings import load_settings

CONFIG = Path(__file__).resolve().parents[2] / "config"

EXAMPLES = sorted((CONFIG / "examples").glob("perception_*.yaml"))
PAIRED = CONFIG / "examples" / "perception_rgb_ir.yaml"
RGB_IR = CONFIG.parent / "trt_perception" / "demo" / "model" / "demo_model_rgb_ir.onnx"

# The classes that the examples speak of, and one that they do not.
NAMES = {0: "person", 1: "motorcycle", 2: "car"}

Configure = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A user's folder: the examples copied, and the models that they name, made as their comments say."""
    shutil.copytree(CONFIG / "examples", tmp_path, dirs_exist_ok=True)
    make_yolov8_onnx(tmp_path / "detector.onnx", metadata={**ultralytics_metadata(), "names": str(NAMES)})
    make_semantic_onnx(tmp_path / "road.onnx")
    shutil.copy(RGB_IR, tmp_path)
    for model, spec in [("detector", "detector"), ("detector", "model"), ("road", "road")]:
        command = ["inspect", str(tmp_path / f"{model}.onnx"), "--write", str(tmp_path / f"{spec}.yaml")]
        assert main(command) == 0
    return tmp_path


@pytest.fixture
def configure(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Configure]:
    """Configures a node in this process; the node is returned."""
    rclpy = pytest.importorskip("rclpy", reason="ROS 2 is not installed here")
    for name, value in ros_environment(folder / "ros_log").items():
        monkeypatch.setenv(name, value)
    from trt_perception.ros.perception_node import PerceptionNode

    context = rclpy.Context()
    rclpy.init(context=context)
    nodes = []

    def make(name: str, *arguments: str) -> Any:
        parameters = ["-p", f"config:={folder / name}", "-p", "backend:=onnxruntime"]
        nodes.append(PerceptionNode(context=context, cli_args=["--ros-args", *parameters, *arguments]))
        nodes[-1].trigger_configure()
        assert nodes[-1].last_error is None
        return nodes[-1]

    yield make
    for node in nodes:
        node.destroy_node()
    rclpy.shutdown(context=context)


def test_there_are_examples_for_both_backends() -> None:
    backends = [BackendKind(yaml.safe_load(path.read_text())["backend"]) for path in EXAMPLES]

    assert set(backends) == {BackendKind.TENSORRT, BackendKind.ONNXRUNTIME}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_holds_to_the_published_schema(path: Path) -> None:
    schema = json.loads((CONFIG / "schema" / "perception.schema.json").read_text())

    jsonschema.Draft202012Validator(schema).validate(yaml.safe_load(path.read_text()))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_editor_finds_the_schema_that_an_example_names(path: Path) -> None:
    (line,) = [line for line in path.read_text().splitlines() if "yaml-language-server" in line]

    assert (path.parent / line.split("$schema=")[1]).resolve() == CONFIG / "schema" / "perception.schema.json"


@pytest.mark.parametrize("path", sorted({*EXAMPLES} - {PAIRED}), ids=lambda path: path.stem)
def test_an_example_has_six_cameras_and_a_detector_on_each(folder: Path, path: Path) -> None:
    settings = load_settings(folder / path.name)

    assert len(settings.cameras) == 6
    assert len([plan for plan in settings.plans if plan.settings.name == "objects"]) == 6


def test_the_cpu_example_publishes_the_detections_of_every_camera(configure: Configure) -> None:
    node = configure("perception_cpu.yaml")

    cameras = [f"CAM_{side}" for side in ("FRONT", "FRONT_LEFT", "FRONT_RIGHT", "BACK", "BACK_LEFT", "BACK_RIGHT")]
    assert all(node.count_publishers(f"/{camera}/detections") == 1 for camera in cameras)


def test_the_vehicle_example_publishes_what_its_comments_say(configure: Configure) -> None:
    node = configure("perception_vehicle.yaml")

    topics = {topic for topic, _ in node.get_publisher_names_and_types_by_node("perception", "/")}
    segmentation = {topic for topic in topics if topic.endswith("/segmentation")}
    services = {service for service, _ in node.get_service_names_and_types_by_node("perception", "/")}
    assert len({topic for topic in topics if topic.endswith("/detections")}) == 6
    assert segmentation == {"/CAM_FRONT/road/segmentation", "/CAM_BACK/road/segmentation"}
    assert "/perception/CAM_BACK_RIGHT/enable" in services


def test_the_rgb_ir_example_pairs_the_demos_cameras(configure: Configure) -> None:
    node = configure("perception_rgb_ir.yaml")

    counts = {camera: node.count_publishers(f"/{camera}/detections") for camera in ("front", "front_thermal")}
    assert counts == {"front": 1, "front_thermal": 0}
    assert [each.name for each in node.system.sets] == ["pipeline objects of front, front_thermal"]


def test_the_parameter_file_overrides_the_vehicle_example(configure: Configure, folder: Path) -> None:
    given = yaml.safe_load((folder / "node_parameters.yaml").read_text())["/**"]["ros__parameters"]
    quality = given.pop("qos_overrides")["/CAM_FRONT/detections"]["publisher"]

    node = configure("perception_vehicle.yaml", "--params-file", str(folder / "node_parameters.yaml"))

    assert {name: node.get_parameter(name).value for name in given} == given
    (publisher,) = node.get_publishers_info_by_topic("/CAM_FRONT/detections")
    assert publisher.qos_profile.reliability.name.lower() == quality["reliability"]
