"""What must be on the machine before set-up can start."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from tools.set_up.distribution import apt_get_install
from tools.set_up.error import MissingPrerequisiteError

OLDEST_CMAKE = (3, 20)


def check_prerequisites() -> None:
    """Raise MissingPrerequisiteError that names everything missing at once, with one command that installs it."""
    if sys.platform != "linux":
        raise MissingPrerequisiteError(f"set-up: ROS 2 wheels exist for Linux only, got {sys.platform}")
    missing = list(_missing())
    if missing:
        problems = "\n".join(f"  - {problem}" for problem, _ in missing)
        packages = " ".join(dict.fromkeys(package for _, package in missing))
        raise MissingPrerequisiteError(f"set-up: missing on this machine:\n{problems}\n  {apt_get_install(packages)}")


def _missing() -> Iterator[tuple[str, str]]:
    """(What is missing, the Debian package that has it)."""
    python = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        yield f"the venv module of {python}", f"{python}-venv"
    header = Path(sysconfig.get_path("include"), "Python.h")
    if not header.is_file():
        yield f"the headers of {python} ({header})", f"{python}-dev"
    if shutil.which(os.environ.get("CXX", "c++").split()[0]) is None or shutil.which("cc") is None:
        yield "a C and C++ compiler (cc, c++)", "g++"
    if shutil.which("make") is None:
        yield "make", "make"
    cmake = _cmake_version()
    if cmake is None:
        yield "cmake", "cmake"
    elif cmake < OLDEST_CMAKE:
        yield f"CMake {OLDEST_CMAKE[0]}.{OLDEST_CMAKE[1]} or newer, got {cmake[0]}.{cmake[1]}", "cmake"


def _cmake_version() -> tuple[int, int] | None:
    try:
        text = subprocess.run(["cmake", "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return None
    match = re.search(r"(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else None
