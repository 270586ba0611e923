"""Starts the bench's processes with the DDS profile that large images need, and reads the JSON line each ends with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from trt_perception.ros.dds_profile import dds_environment

PROCESSES = Path(__file__).resolve().parent


def start(name: str, *arguments: str) -> subprocess.Popen[str]:
    """Start bench/processes/NAME.py."""
    environment = {**os.environ, **dds_environment(os.environ)}
    command = [sys.executable, str(PROCESSES / f"{name}.py"), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def finish(process: subprocess.Popen[str], *, timeout_s: float = 300.0) -> dict[str, Any]:
    """The object that the process printed last.

    Raises:
        RuntimeError: It failed, or printed nothing.
    """
    try:
        output, _ = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        raise RuntimeError(f"{process.args} did not end within {timeout_s:.0f} s") from None
    lines = output.strip().splitlines()
    if process.returncode or not lines:
        raise RuntimeError(f"{process.args} ended with code {process.returncode} and printed {lines[-1:]}")
    result: dict[str, Any] = json.loads(lines[-1])
    return result
