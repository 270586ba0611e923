"""Builds trt_perception, for `pip install .` with or without ROS and for `colcon build`. Metadata: setup.cfg."""

import runpy
import sys
from pathlib import Path

from setuptools import find_packages, setup

# Not python_requires: colcon evaluates what setuptools makes of the arguments as Python text, and fails on that one.
if sys.version_info < (3, 10):  # noqa: UP036
    sys.exit(f"trt_perception needs Python 3.10 or newer, got {sys.version.split()[0]}")

PACKAGE = "trt_perception"
SHARE = f"share/{PACKAGE}"


def shared_files(folder: str, pattern: str) -> list[tuple[str, list[str]]]:
    """The files of `folder` with the place under share/ where each goes, subfolders kept."""
    by_place: dict[str, list[str]] = {}
    for path in sorted(Path(folder).rglob(pattern)):
        if path.is_file():
            by_place.setdefault(f"{SHARE}/{path.parent.as_posix()}", []).append(path.as_posix())
    return list(by_place.items())


def package_files() -> list[str]:
    """Everything in the package that is not Python: kernels, models, templates, py.typed.

    Listed one by one, because `**` in package_data is unknown to the setuptools of Ubuntu 22.04.
    """
    files = (path.relative_to(PACKAGE) for path in sorted(Path(PACKAGE).rglob("*")) if path.is_file())
    return [path.as_posix() for path in files if path.suffix not in {".py", ".pyc"}]


setup(
    version=runpy.run_path(f"{PACKAGE}/version.py")["__version__"],
    packages=find_packages(include=[PACKAGE, f"{PACKAGE}.*"]),
    package_data={PACKAGE: package_files()},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{PACKAGE}"]),
        (SHARE, ["package.xml"]),
        *shared_files("launch", "*.launch.py"),
        *shared_files("config", "*"),
    ],
)
