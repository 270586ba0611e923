"""What a shell has after reading env.sh."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tools.set_up.distribution import Distribution
from tools.set_up.environment import write_environment_file
from tools.set_up.layout import Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A project in a folder that needs quoting."""
    root = tmp_path / "it's a project"
    layout = Layout(root=root, row="default", venv=root / ".venv")
    layout.venv.mkdir(parents=True)
    return layout


def variables(layout: Layout, *, times: int = 1, shell: str = "sh") -> dict[str, str]:
    """The variables of a strict shell that read env.sh."""
    script = "set -eu\n" + '. "$0"\n' * times + "/usr/bin/env"
    environment = {"PATH": "/usr/bin:/bin", "AMENT_PREFIX_PATH": "/opt/ros/jazzy"}
    result = subprocess.run(
        [shell, "-c", script, str(layout.environment_file)], env=environment, capture_output=True, text=True, check=True
    )
    return dict(line.split("=", 1) for line in result.stdout.splitlines())


@pytest.mark.parametrize("shell", ["sh", "bash", "zsh"])
def test_environment_comes_first_and_what_was_there_stays(layout: Layout, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    write_environment_file(layout, distribution=None)

    found = variables(layout, shell=shell)

    assert found["PATH"] == f"{layout.venv}/bin:/usr/bin:/bin"
    assert found["AMENT_PREFIX_PATH"] == f"{layout.venv}:/opt/ros/jazzy"
    assert found["ROS_LOG_DIR"] == f"{layout.root}/.cache/ros_log"
    assert "LD_LIBRARY_PATH" not in found


def test_reading_it_twice_changes_nothing(layout: Layout) -> None:
    write_environment_file(layout, distribution=None)

    assert variables(layout, times=2) == variables(layout)


def test_libraries_are_named_where_a_distribution_has_to_find_them(layout: Layout) -> None:
    write_environment_file(layout, distribution=Distribution(name="jazzy", prefixes=("/opt/ros/jazzy",)))

    assert variables(layout)["LD_LIBRARY_PATH"] == f"{layout.venv}/lib"
