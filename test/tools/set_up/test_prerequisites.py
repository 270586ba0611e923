"""What is missing is named at once, with the command that installs it, before anything is written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.set_up.error import MissingPrerequisiteError
from tools.set_up.prerequisites import check_prerequisites

ROOT = Path(__file__).parents[3]
PYTHON_NAME = f"python{sys.version_info[0]}.{sys.version_info[1]}"
BASE_PYTHON = Path(sys.base_prefix, "bin", PYTHON_NAME)
SHELL_TOOLS = ("bash", "dirname", "id", "cat", "env")
PROGRAMS = ("c++", "cc", "make", "cmake")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what set-up reads."""
    project = tmp_path / "project"
    for name in ("tools", "interfaces", "msg"):
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (*ROOT.glob("constraints*.txt"), ROOT / "setup.cfg", ROOT / "setup.py"):
        shutil.copy2(path, project / path.name)
    return project


def set_up(
    project: Path, *, programs: tuple[str, ...] = PROGRAMS, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run set-up where only these programs are on the path."""
    folder = project.parent / "bin"
    folder.mkdir()
    for name in (*SHELL_TOOLS, *programs):
        found = shutil.which(name)
        assert found is not None, f"the test itself needs {name}"
        (folder / name).symlink_to(found)
    environment = {"PATH": str(folder), "HOME": str(project.parent), "PYTHON": str(BASE_PYTHON), **variables}
    return subprocess.run(
        [str(project / "tools" / "set-up")], env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(("absent", "package"), [("c++", "g++"), ("cc", "g++"), ("make", "make"), ("cmake", "cmake")])
def test_missing_program_is_named_with_its_package(project: Path, absent: str, package: str) -> None:
    result = set_up(project, programs=tuple(name for name in PROGRAMS if name != absent))

    assert result.returncode == 3
    assert absent in result.stderr
    assert result.stderr.splitlines()[-1].endswith(f"apt-get install -y {package}")
    assert not (project / ".venv").exists()


def test_everything_missing_is_named_in_one_go(project: Path) -> None:
    result = set_up(project, programs=())

    assert result.returncode == 3
    assert result.stderr.splitlines()[-1].endswith("apt-get install -y g++ make cmake")


def test_missing_venv_module_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "ensurepip" else name)

    with pytest.raises(MissingPrerequisiteError, match=rf"venv module(.|\n)*apt-get install -y {PYTHON_NAME}-venv"):
        check_prerequisites()


def test_missing_headers_are_named_with_their_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path / name))

    with pytest.raises(MissingPrerequisiteError, match=rf"Python\.h(.|\n)*apt-get install -y {PYTHON_NAME}-dev"):
        check_prerequisites()


def test_old_cmake_is_named_with_its_version(project: Path) -> None:
    cmake = project.parent / "cmake"
    cmake.write_text("#!/bin/sh\necho cmake version 3.16.3\n")
    cmake.chmod(0o755)
    environment = {"PATH": f"{project.parent}{os.pathsep}{os.environ['PATH']}"}

    result = set_up(project, programs=(), **environment)

    assert result.returncode == 3
    assert "CMake 3.20 or newer, got 3.16" in result.stderr


def test_unsupported_python_is_named_with_its_version(project: Path) -> None:
    python = project.parent / "python3.9"
    python.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.18 && exit 0\nexit 1\n')
    python.chmod(0o755)

    result = set_up(project, PYTHON=str(python))

    assert result.returncode == 3
    assert "Python 3.10 to 3.13" in result.stderr
    assert "got: Python 3.9.18" in result.stderr
    assert "apt-get install" in result.stderr


def test_sourced_ros_of_another_python_is_refused_with_both_ways_out(project: Path) -> None:
    result = set_up(project, AMENT_PREFIX_PATH="/opt/ros/jazzy", ROS_DISTRO="jazzy")

    assert result.returncode == 3
    assert "ROS jazzy is sourced (/opt/ros/jazzy)" in result.stderr
    assert "PYTHON=" in result.stderr


@pytest.mark.parametrize("row", ["numpy7", "common"])
def test_unknown_row_names_the_rows(project: Path, row: str) -> None:
    tool = project / "tools" / "set-up"
    result = subprocess.run([str(tool), row], capture_output=True, text=True, check=False)

    assert result.returncode == 1
    assert result.stderr == f"set-up: no row '{row}'; there are: default, numpy1\n"
