"""When a ROS distribution counts as sourced."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.set_up.distribution import Distribution, sourced_distribution
from tools.set_up.interfaces import packages_to_build


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        pytest.param({}, None, id="nothing"),
        pytest.param({"ROS_DISTRO": "jazzy"}, None, id="variable_of_a_container_image"),
        pytest.param({"AMENT_PREFIX_PATH": "{root}/.venv"}, None, id="only_our_own_environment"),
        pytest.param(
            {"ROS_DISTRO": "jazzy", "AMENT_PREFIX_PATH": "{root}/.venv:/home/me/ws/install/a:/opt/ros/jazzy"},
            Distribution(name="jazzy", prefixes=("/home/me/ws/install/a", "/opt/ros/jazzy")),
            id="distribution_under_a_workspace",
        ),
        pytest.param(
            {"AMENT_PREFIX_PATH": "/opt/own"}, Distribution(name="ROS", prefixes=("/opt/own",)), id="without_a_name"
        ),
    ],
)
def test_sourced_distribution(tmp_path: Path, environment: dict[str, str], expected: Distribution | None) -> None:
    filled = {name: value.format(root=tmp_path) for name, value in environment.items()}

    assert sourced_distribution(filled, tmp_path) == expected


def test_only_what_the_distribution_lacks_is_built(tmp_path: Path) -> None:
    index = tmp_path / "share/ament_index/resource_index/packages"
    index.mkdir(parents=True)
    bare = Distribution(name="jazzy", prefixes=("/opt/ros/none", str(tmp_path)))
    before = packages_to_build(bare)
    (index / "vision_msgs").touch()

    assert packages_to_build(None) == before == ["vision_msgs", "trt_perception_msgs"]
    assert packages_to_build(bare) == ["trt_perception_msgs"]
