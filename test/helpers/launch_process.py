"""A launch file running in processes of its own, in an installed package that consists of one executable."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

REPOSITORY = Path(__file__).resolve().parents[2]

RUNNER = Path(__file__).with_name("run_launch.py")

# What launch files set only where it is not set.
_CHOSEN_BY_USERS = ("FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_BUILTIN_TRANSPORTS")


def make_prefix(folder: Path, *, executable: str) -> Path:
    """An ament prefix whose package trt_perception has `perception_node`, a script of that text."""
    index = folder / "share/ament_index/resource_index/packages/trt_perception"
    index.parent.mkdir(parents=True)
    index.touch()
    node = folder / "lib/trt_perception/perception_node"
    node.parent.mkdir(parents=True)
    node.write_text(executable)
    node.chmod(0o755)
    return folder


class LaunchProcess:
    """`ros2 launch`, begun by the constructor and ended at the latest by leaving the `with` block.

    Args:
        file: Name of the launch file.
        arguments: ``name:=value``.
        prefix: What `make_prefix` made.
        folder: Where logs and temporary files go.
        environment: Variables in addition to the present ones, from which choices about Fast DDS are taken away.
    """

    def __init__(
        self, file: str, arguments: Sequence[str], *, prefix: Path, folder: Path, environment: Mapping[str, str]
    ) -> None:
        self._log = folder / "launch.log"
        (folder / "tmp").mkdir()
        variables = {name: value for name, value in os.environ.items() if name not in _CHOSEN_BY_USERS}
        variables["AMENT_PREFIX_PATH"] = f"{prefix}:{variables.get('AMENT_PREFIX_PATH', '')}".rstrip(":")
        # launch_ros leaves the parameter files that it writes.
        variables |= {"TMPDIR": str(folder / "tmp"), "RCUTILS_COLORIZED_OUTPUT": "0", **environment}
        command = [sys.executable, str(RUNNER), str(REPOSITORY / "launch" / file), *arguments]
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, env=variables, start_new_session=True
            )

    @property
    def output(self) -> str:
        """What launch and its processes have printed so far."""
        return self._log.read_text(errors="replace")

    @property
    def node_pids(self) -> list[int]:
        """Process ids of the nodes that were started, the oldest first."""
        return [
            int(pid) for pid in re.findall(r"\[perception_node-\d+\]: process started with pid \[(\d+)\]", self.output)
        ]

    def wait_for(self, pattern: str, *, count: int = 1, timeout_s: float = 30.0) -> str:
        """Wait until the output has `count` matches of the regular expression; returns the last."""
        end = time.monotonic() + timeout_s
        while len(matches := re.findall(pattern, self.output)) < count:
            if self._process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"{len(matches)} of {count} {pattern!r} in:\n{self.output}")
            time.sleep(0.1)
        return str(matches[count - 1])

    def wait(self, timeout_s: float = 30.0) -> int:
        """Wait until launch ends by itself; its exit code."""
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {timeout_s} s:\n{self.output}") from None

    def interrupt(self) -> int:
        """Control-C, as a terminal sends it: to launch and to its processes; the exit code of launch."""
        os.killpg(self._process.pid, signal.SIGINT)
        return self.wait()

    def __enter__(self) -> LaunchProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        self._process.wait()
