"""The virtual environment and the Python packages in it."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from tools.set_up.distribution import Distribution, module_version
from tools.set_up.layout import SUPPORTED_PYTHONS, Layout, read_venv
from tools.set_up.process import run_logged, succeeds
from tools.set_up.ros_prefix import mend_cmake_files

EXTRAS = ("onnx", "rtx", "nvrtc", "bags", "report", "signature", "cluster", "dev")
COLCON = "colcon-common-extensions"
BUILD_BACKEND = "setuptools"
OLDEST_NUMPY = (1, 26)


def package_inputs(layout: Layout) -> list[Path]:
    """The files that decide what is installed."""
    root = layout.root
    return [layout.common_constraints, layout.constraints, root / "setup.cfg", root / "tools" / "ros-prefix.txt"]


def requirements(root: Path, *, distribution: Distribution | None, provided: set[str]) -> list[str]:
    """What pip is asked for, without what the distribution provides."""
    config = configparser.ConfigParser()
    config.read(root / "setup.cfg", encoding="utf-8")
    blocks = [config["options"]["install_requires"], *(config["options.extras_require"][name] for name in EXTRAS)]
    if distribution is None:
        blocks.append((root / "tools" / "ros-prefix.txt").read_text(encoding="utf-8"))
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    wanted = [line for line in lines if line and not line.startswith("#")]
    if distribution is None or shutil.which("colcon") is None:
        wanted.append(COLCON)
    wanted.append(BUILD_BACKEND)
    return [line for line in wanted if project_name(line) not in provided]


def project_name(requirement: str) -> str:
    """The normalised project name of a requirement line."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    return re.sub(r"[-_.]+", "-", match[0]).lower() if match else requirement


def provided_versions() -> dict[str, str]:
    """Core packages of the distribution's Python that are new enough, by project name."""
    found = {
        "numpy": module_version("numpy"),
        "opencv-python-headless": module_version("cv2"),
        "pyyaml": module_version("yaml"),
    }
    numpy_version = found["numpy"]
    if numpy_version is not None and tuple(map(int, numpy_version.split(".")[:2])) < OLDEST_NUMPY:
        found["numpy"] = None
    return {name: version for name, version in found.items() if version is not None}


def read_pins(layout: Layout) -> list[str]:
    """The row's pinned versions, one requirement each."""
    paths = (layout.common_constraints, layout.constraints)
    lines = [line.strip() for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line and not line.startswith(("#", "-c"))]


def write_constraints(layout: Layout, provided: dict[str, str]) -> Path:
    """The row's constraints with the distribution's own versions in the place of ours."""
    numpy1 = provided.get("numpy", "").startswith("1.")
    row = replace(layout, row="numpy1") if numpy1 else layout
    pins = [pin for pin in read_pins(row) if project_name(pin) not in provided]
    own = [f"{name}=={version}" for name, version in provided.items() if version]
    path = layout.scratch / "constraints.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*pins, *own]) + "\n", encoding="utf-8")
    return path


def make_venv(layout: Layout, *, distribution: Distribution | None) -> None:
    """Make the virtual environment, unless a working one stands there."""
    _remove_half_installed(layout.venv)
    standing = read_venv(layout.venv)
    supported = standing is not None and standing.python_version in SUPPORTED_PYTHONS
    if supported and _at_home(layout.venv) and succeeds([str(layout.python), "-m", "pip", "--version"]):
        return
    command = [sys.executable, "-m", "venv", "--clear", *(["--system-site-packages"] if distribution else [])]
    _run(layout, "venv", [*command, str(layout.venv)])


def install_packages(layout: Layout, *, distribution: Distribution | None) -> None:
    """Install what is pinned; nothing happens to what is installed already."""
    provided = provided_versions() if distribution else {}
    wanted = requirements(layout.root, distribution=distribution, provided=set(provided))
    _pip(layout, "packages", "--constraint", str(write_constraints(layout, provided)), *wanted)
    if distribution is None:
        mend_cmake_files(layout.venv, layout.python)


def install_project(layout: Layout) -> None:
    """Install the project itself, editable: its commands stand in the environment, its code stays in the tree."""
    _pip(layout, "project", "--no-deps", "--no-build-isolation", "--editable", ".")


def _pip(layout: Layout, name: str, *arguments: str) -> None:
    command = [str(layout.python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", *arguments]
    _run(layout, name, command)


def _run(layout: Layout, name: str, command: list[str]) -> None:
    # pip asks rustc for its version, and rustup answers by writing into the user's home.
    env = {"RUSTUP_HOME": str(layout.cache / "rustup"), **os.environ}
    run_logged(command, log=layout.scratch / f"{name}.log", cwd=layout.root, env=env)


def _at_home(venv: Path) -> bool:
    """Whether a virtual environment stands where it was made: its commands start with the full path."""
    try:
        head = (venv / "bin" / "pip").read_bytes()[:1000].decode(errors="replace")
    except OSError:
        return False
    match = re.search(r"(/.*)/bin/python", head)
    return match is not None and Path(match[1]).exists() and Path(match[1]).samefile(venv)


def _remove_half_installed(venv: Path) -> None:
    """Make pip forget what it was killed in: it writes RECORD last, and takes a package without one as installed."""
    for site_packages in venv.glob("lib/python3.*/site-packages"):
        for info in site_packages.glob("*.dist-info"):
            if not (info / "RECORD").is_file():
                shutil.rmtree(info)
        for leftover in site_packages.glob("~*"):
            shutil.rmtree(leftover, ignore_errors=True)
