"""The perception node as a process of its own, as launch starts it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class NodeProcess:
    """Runs `trt_perception.ros.main`; its output goes to a file. Killed at the end of the `with` block at the latest.

    Args:
        log: File for stdout and stderr.
        program: Python program to run instead of the node's entry point.
        remap: Remapping rules, e.g. ``{"__node": "second"}``.
        parameters: ROS parameters, dots in their names written as two underscores.
    """

    def __init__(
        self, log: Path, *, program: str = "", remap: Mapping[str, str] | None = None, **parameters: Any
    ) -> None:
        self.log = log
        arguments = ["--ros-args"]
        for old, new in (remap or {}).items():
            arguments += ["-r", f"{old}:={new}"]
        for name, value in parameters.items():
            text = str(value).lower() if isinstance(value, bool) else str(value)
            arguments += ["-p", f"{name.replace('__', '.')}:={text}"]
        entry = ["-c", program] if program else ["-m", "trt_perception.ros.main"]
        self._command = [sys.executable, *entry, *arguments]

    def __enter__(self) -> NodeProcess:
        with open(self.log, "wb") as output:
            self.process = subprocess.Popen(
                self._command, stdout=output, stderr=subprocess.STDOUT, env=os.environ.copy()
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    @property
    def text(self) -> str:
        """What it printed so far."""
        return self.log.read_text(errors="replace")

    def wait_for(self, text: str, *, timeout_s: float = 60.0) -> None:
        """Wait until it prints that."""
        end = time.monotonic() + timeout_s
        while text not in self.text:
            assert self.process.poll() is None, f"node ended with {self.process.returncode}:\n{self.text}"
            assert time.monotonic() < end, f"no {text!r} within {timeout_s} s:\n{self.text}"
            time.sleep(0.02)

    def wait(self, *, timeout_s: float = 60.0) -> int:
        """Its exit code, once it ends by itself."""
        return self.process.wait(timeout_s)

    def stop(self, number: int = signal.SIGINT, *, timeout_s: float = 10.0) -> tuple[int, float]:
        """Its exit code after a signal, and how many seconds that took."""
        started = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(timeout_s), time.monotonic() - started
