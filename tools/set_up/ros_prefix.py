"""The ament prefix that the ROS 2 wheels make of the virtual environment."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

_WHEEL_PYTHON = r"/opt/python/cp\d+-cp\d+t?"
_NUMPY_INCLUDE = re.compile(rf"{_WHEEL_PYTHON}/lib/python3\.\d+/site-packages/numpy/_?core/include")
_PYTHON_INCLUDE = re.compile(rf"{_WHEEL_PYTHON}/include/python3\.\d+")


def mend_cmake_files(prefix: Path, python: Path) -> None:
    """Replace the include folders of the machine that built the wheels, which their CMake files export, by ours."""
    code = "import numpy, sysconfig; print(sysconfig.get_path('include')); print(numpy.get_include())"
    output = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True).stdout
    python_include, numpy_include = output.splitlines()
    for path in (prefix / "share").rglob("*.cmake"):
        text = path.read_text(encoding="utf-8")
        mended = _PYTHON_INCLUDE.sub(python_include, _NUMPY_INCLUDE.sub(numpy_include, text))
        if mended != text:
            path.write_text(mended, encoding="utf-8")
