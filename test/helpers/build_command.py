"""`trt-perception build` in a process of its own, with a TensorRT-RTX that never comes to an end, or the real one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from trt_perception.engine.engine_request import EngineRequest

# What `--module` imports: TensorRT-RTX, whose builds say that they have begun and then take an hour.
SLOW = "slow_tensorrt_rtx"
_SLOW_MODULE = """
import os, pathlib, time
from tensorrt_rtx_bindings import *
from tensorrt_rtx_bindings import Builder as _Builder, __version__

class Builder(_Builder):
    def build_serialized_network(self, network, config):
        pathlib.Path(os.environ["BUILDING"]).write_text(str(os.getpid()))
        time.sleep(3600)
"""


class BuildCommand:
    """A started build.

    Args:
        request: What is built.
        folder: Where its temporary files, its output and the slow module go.
        module: Of the TensorRT.
    """

    def __init__(self, request: EngineRequest, folder: Path, *, module: str) -> None:
        self.temporary = folder / "tmp"
        self.temporary.mkdir(parents=True)
        (folder / f"{SLOW}.py").write_text(_SLOW_MODULE)
        self._building = folder / "building"
        self._output = folder / "output"
        command = [sys.executable, "-m", "trt_perception.cli.main", "build", str(request.model)]
        command += ["--out", str(request.out), "--calibration", str(request.calibration), "--module", module]
        command += ["--ahead-of-time", request.options.ahead_of_time]
        path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
        environment = {"TMPDIR": str(self.temporary), "BUILDING": str(self._building), "PYTHONPATH": path}
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environment},
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        """What it has printed so far."""
        return self._output.read_text()

    def wait_for_builder(self) -> int:
        """The process that builds, once TensorRT is at work."""
        self._wait_until(lambda: self._building.exists() and self._building.read_text() != "")
        return int(self._building.read_text())

    def wait_for(self, text: str) -> None:
        """Until it has printed the text."""
        self._wait_until(lambda: text in self.output)

    def _wait_until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + 60.0
        while not holds():
            assert self.process.poll() is None, self.output
            assert time.monotonic() < end, self.output
            time.sleep(0.05)

    def end(self, number: signal.Signals, *, group: bool = False) -> int:
        """Send a signal; the exit code."""
        (os.killpg if group else os.kill)(self.process.pid, number)
        return self.process.wait(30.0)


def wait_until_gone(process: int) -> None:
    """Until there is no such process."""
    end = time.monotonic() + 30.0
    while Path(f"/proc/{process}").exists():
        assert time.monotonic() < end, f"process {process} is still there"
        time.sleep(0.05)
