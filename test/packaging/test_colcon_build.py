"""`colcon build` of the package: what `ros2 run` and `ros2 launch` look for stands where they look."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.source_tree import ROOT, copy_source_tree, data_files

from trt_perception import __version__

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("colcon_core") is None, reason="colcon is not installed in this Python"
)


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The install prefix that colcon made of the package."""
    place = tmp_path_factory.mktemp("colcon")
    copy_source_tree(place / "src" / "trt_perception")
    command = [sys.executable, "-m", "colcon", "build", "--event-handlers", "console_direct+"]
    environment = {**os.environ, "COLCON_HOME": str(place / "home")}
    result = subprocess.run(
        command, cwd=place, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert result.returncode == 0, result.stdout
    return place / "install" / "trt_perception"


@pytest.mark.parametrize("name", ["trt-perception", "perception_node"])
def test_executable_stands_where_ros2_run_looks(prefix: Path, name: str) -> None:
    assert os.access(prefix / "lib" / "trt_perception" / name, os.X_OK)


def test_package_is_in_the_ament_index(prefix: Path) -> None:
    assert (prefix / "share/ament_index/resource_index/packages/trt_perception").is_file()
    assert (prefix / "share/trt_perception/package.xml").read_bytes() == (ROOT / "package.xml").read_bytes()


def test_launch_files_are_shared(prefix: Path) -> None:
    installed = {path.name for path in (prefix / "share/trt_perception/launch").iterdir()}

    assert "perception.launch.py" in installed
    assert installed == {path.name for path in (ROOT / "launch").glob("*.launch.py")}


def test_config_files_are_shared_with_their_folders(prefix: Path) -> None:
    place = prefix / "share/trt_perception/config"
    installed = {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}

    assert installed == data_files("config")


def test_executable_runs_the_installed_package(prefix: Path) -> None:
    site_packages = next(prefix.glob("lib/python3*/site-packages"))
    inherited = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site_packages), *inherited])}

    command = [str(prefix / "lib/trt_perception/trt-perception"), "--version"]
    result = subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, check=False)

    assert (result.returncode, result.stdout.split()[-1:]) == (0, [__version__]), result.stderr
