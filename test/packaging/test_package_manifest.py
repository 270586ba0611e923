"""package.xml declares what the vehicle needs, and only what rosdep knows."""

from __future__ import annotations

import ast
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROS_PACKAGES = {
    "cv_bridge",
    "diagnostic_msgs",
    "geometry_msgs",
    "launch",
    "launch_ros",
    "lifecycle_msgs",
    "message_filters",
    "rcl_interfaces",
    "rclpy",
    "rosgraph_msgs",
    "sensor_msgs",
    "std_msgs",
    "std_srvs",
    "tf2_msgs",
    "vision_msgs",
}
ROSDEP_KEYS = {"python3-numpy", "python3-opencv", "python3-pytest", "python3-tqdm", "python3-yaml"}
# rosdep knows none of these and would refuse the whole package.
WITHOUT_KEY = ("tensorrt", "cuda", "onnxruntime", "rosbags")


def declared(path: Path) -> set[str]:
    """Every dependency of a package manifest."""
    return {element.text or "" for element in ElementTree.parse(path).iter() if element.tag.endswith("depend")}


def imported(folder: Path) -> set[str]:
    """The top-level names that the Python files of a folder import anywhere."""
    names = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    return names


def test_every_ros_package_that_the_code_imports_is_declared() -> None:
    used = (imported(ROOT / "trt_perception") | imported(ROOT / "launch")) & ROS_PACKAGES

    assert {"rclpy", "vision_msgs"} <= used
    assert used <= declared(ROOT / "package.xml")


def test_every_dependency_is_a_known_key() -> None:
    assert declared(ROOT / "package.xml") <= ROS_PACKAGES | ROSDEP_KEYS


@pytest.mark.parametrize("word", WITHOUT_KEY)
def test_nothing_without_a_rosdep_key_is_declared(word: str) -> None:
    assert not [name for name in declared(ROOT / "package.xml") if word in name]


def test_nothing_depends_on_our_own_messages_being_built() -> None:
    assert "trt_perception_msgs" not in declared(ROOT / "package.xml")


def test_manifest_is_what_colcon_needs() -> None:
    manifest = ElementTree.parse(ROOT / "package.xml").getroot()

    assert manifest.get("format") == "3"
    assert manifest.findtext("export/build_type") == "ament_python"
    assert manifest.findtext("license") == "Apache-2.0"
