"""`pip install .` without ROS: the core and the commands, with NumPy, OpenCV, PyYAML and tqdm and nothing else."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from helpers.source_tree import copy_source_tree, data_files

from trt_perception import __version__

CORE_MODULES = ("numpy", "cv2", "yaml", "tqdm")
EXTRAS = {"ros", "tensorrt", "rtx", "nvrtc", "onnx", "bags", "report", "signature", "cluster", "tracing", "dev"}

IMPORT_ALL = """
import importlib, pkgutil, trt_perception
for module in pkgutil.walk_packages(trt_perception.__path__, "trt_perception."):
    if not (module.name + ".").startswith("trt_perception.ros."):
        importlib.import_module(module.name)
print(trt_perception.__version__, trt_perception.__file__)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the tree as it is."""
    place = tmp_path_factory.mktemp("wheel")
    source = copy_source_tree(place / "source")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index"]
    _run([*command, "--wheel-dir", str(place), str(source)])
    return next(place.glob("*.whl"))


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has the wheel and its four dependencies, and no other package."""
    place = tmp_path_factory.mktemp("venv")
    _run([sys.executable, "-m", "venv", str(place)])
    python = place / "bin" / "python"
    _run([str(python), "-m", "pip", "install", "--no-deps", "--no-index", str(wheel)])
    site_packages = next(place.glob("lib/python3*/site-packages"))
    for name in CORE_MODULES:
        module = importlib.import_module(name)
        assert module.__file__ is not None
        package = Path(module.__file__).parent
        libraries = package.parent / {"cv2": "opencv_python_headless.libs"}.get(name, f"{name}.libs")
        for path in (package, libraries):
            if path.exists():
                (site_packages / path.name).symlink_to(path)
    return python


def test_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())

    assert "trt_perception/py.typed" in names
    assert {f"trt_perception/{name}" for name in data_files("trt_perception")} <= names


def test_wheel_holds_config_and_launch_files(wheel: Path) -> None:
    share = f"trt_perception-{__version__}.data/data/share/trt_perception"
    names = set(zipfile.ZipFile(wheel).namelist())

    assert {f"{share}/config/{name}" for name in data_files("config")} <= names
    assert f"{share}/launch/perception.launch.py" in names


def test_wheel_holds_nothing_but_the_package(wheel: Path) -> None:
    tops = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}

    assert tops == {
        "trt_perception",
        f"trt_perception-{__version__}.data",
        f"trt_perception-{__version__}.dist-info",
    }


def test_core_depends_on_four_packages_and_the_rest_are_extras(wheel: Path) -> None:
    text = zipfile.ZipFile(wheel).read(f"trt_perception-{__version__}.dist-info/METADATA").decode()
    metadata = Parser().parsestr(text)
    requirements = metadata.get_all("Requires-Dist") or []

    core = {line.partition(">")[0] for line in requirements if "extra ==" not in line}
    assert core == {"numpy", "opencv-python-headless", "PyYAML", "tqdm"}
    assert set(metadata.get_all("Provides-Extra") or []) == EXTRAS


def test_every_module_but_the_ros_half_imports_without_ros(python: Path) -> None:
    version, path = _run([str(python), "-W", "error", "-c", IMPORT_ALL]).split()

    assert version == __version__
    assert Path(path).is_relative_to(python.parents[1])


def test_command_works_without_ros(python: Path) -> None:
    command = python.parent / "trt-perception"

    assert _run([str(command), "--version"]).split()[-1] == __version__
    assert "demo" in _run([str(command), "--help"])


def _run(command: list[str]) -> str:
    """Output of a command that must work, run where the tree is not."""
    # The short path: pip asks rustc for its version, and rustup answers by writing into the user's home.
    environment = {**os.environ, "PATH": os.defpath}
    environment.pop("PYTHONPATH", None)  # it may name the tree
    result = subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout
