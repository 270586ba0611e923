"""The machine itself: system, Python, and the packages that every use needs."""

from __future__ import annotations

import os
import platform

from trt_perception.doctor.finding import Finding, Level
from trt_perception.doctor.python_package import check_package
from trt_perception.version import __version__

OLDEST_PYTHON = (3, 10)


def host_checks() -> list[Finding]:
    """System, Python and core packages."""
    return [
        Finding(subject="trt_perception", level=Level.OK, detail=__version__),
        Finding(
            subject="system",
            level=Level.OK,
            detail=f"{_distribution()}, {platform.machine()}, {os.cpu_count()} cores, {_memory_gib():.0f} GiB",
        ),
        _python(),
        check_package("numpy", remedy="pip install numpy"),
        check_package("cv2", subject="opencv", remedy="pip install opencv-python-headless"),
        check_package("onnxruntime", remedy="pip install 'trt_perception[onnx]'", needed_for=("onnxruntime",)),
        check_package("onnx", remedy="pip install 'trt_perception[onnx]' to inspect ONNX files"),
        check_package("rosbags", remedy="pip install 'trt_perception[bags]' to read and write bags"),
    ]


def _python() -> Finding:
    found = tuple(map(int, platform.python_version_tuple()[:2]))
    if found < OLDEST_PYTHON:
        return Finding(
            subject="python", level=Level.MISSING, detail=platform.python_version(), remedy="use Python 3.10 or newer"
        )
    return Finding(subject="python", level=Level.OK, detail=platform.python_version())


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    except OSError:
        return platform.system()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
