"""One live run from beginning to end: the node in a process, a player in another, its results recorded here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import rclpy

from trt_perception.bag.bag_topic import BagMessage
from trt_perception.errors import MissingError, PerceptionError
from trt_perception.ros.dds_profile import dds_environment
from trt_perception.ros.recorder import Recorder

_COMMAND = (sys.executable, "-m", "trt_perception.cli.main")

QUIET_S = 1.0
"""No result for that long after the last image: the node has answered what it will answer."""


@dataclass(frozen=True, kw_only=True)
class LiveRun:
    """What runs, and what is recorded.

    Args:
        config: The node's config file.
        play: Arguments of `trt-perception play`: the source and its options.
        outputs: Type by topic, what is recorded.
        log_folder: Where the processes' output, the drop log and the sender's ledger go.
        backend: Runs the models instead of the config's backend.
        sim_time: Whether the node takes the time from /clock.
        start_timeout_s: Longest time until the node is active.
    """

    config: Path
    play: Sequence[str]
    outputs: Mapping[str, str]
    log_folder: Path
    backend: str = ""
    sim_time: bool = False
    start_timeout_s: float = 60.0

    @property
    def drop_log(self) -> Path:
        """Where the node writes the frames that it dropped."""
        return self.log_folder / "drops.jsonl"

    def run(self) -> list[BagMessage]:
        """Start the node, play, record until it is quiet, stop the node; everything that was recorded.

        Raises: As `record`.
        """
        messages: list[BagMessage] = []
        self.record(messages.append)
        return messages

    def record(self, keep: Callable[[BagMessage], object]) -> None:
        """The same, with each message handed on as it comes.

        Args:
            keep: Takes every message.

        Raises:
            PerceptionError: The node or the player failed; names the log that says why.
            MissingError: ROS is not here.
        """
        self.log_folder.mkdir(parents=True, exist_ok=True)
        environment = dict(os.environ)
        # The segment that carries large images is the sender's; both get it.
        environment.update(dds_environment(environment))
        with (
            _context(),
            Recorder(self.outputs, keep) as recorder,
            self._process("node", self._node(), environment) as node,
        ):
            self._wait_until_active(node, recorder)
            with self._process("player", self._player(), environment) as player:
                while player.poll() is None:
                    recorder.spin(0.1)
                    self._check("node", node)
                self._check("player", player)
            self._spin_until_quiet(recorder)

    @property
    def ledger(self) -> Path:
        """Where the player writes what it sent."""
        return self.log_folder / "sent.jsonl"

    def _node(self) -> list[str]:
        command = [*_COMMAND, "run", str(self.config), "--drop-log", str(self.drop_log)]
        if self.backend:
            command += ["--backend", self.backend]
        return [*command, *(["--sim-time"] if self.sim_time else [])]

    def _player(self) -> list[str]:
        wait = str(self.start_timeout_s)
        clock = ["--clock"] if self.sim_time else []
        return [*_COMMAND, "play", *self.play, "--wait", wait, "--ledger", str(self.ledger), *clock]

    @contextmanager
    def _process(
        self, name: str, command: Sequence[str], environment: Mapping[str, str]
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A process whose output goes to its log, interrupted at the end."""
        with open(self.log_folder / f"{name}.log", "wb") as log:
            process = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, env=environment, start_new_session=True
            )
            try:
                yield process
            finally:
                _stop(process)

    def _wait_until_active(self, node: subprocess.Popen[bytes], recorder: Recorder) -> None:
        """The node creates its publishers when it is configured; the first result topic is a sign of life."""
        end = time.monotonic() + self.start_timeout_s
        while not recorder.has_publishers():
            recorder.spin(0.1)
            self._check("node", node)
            if time.monotonic() > end:
                raise PerceptionError(
                    f"the node did not become active within {self.start_timeout_s:.0f} s; "
                    f"see {self.log_folder / 'node.log'}"
                )

    def _check(self, name: str, process: subprocess.Popen[bytes]) -> None:
        if process.poll() not in (None, 0):
            log = self.log_folder / f"{name}.log"
            last = (log.read_text(errors="replace").strip().splitlines() or ["(no output)"])[-1]
            raise PerceptionError(f"the {name} ended with code {process.returncode}: {last}; the whole log is {log}")

    def _spin_until_quiet(self, recorder: Recorder) -> None:
        count = -1
        while count != recorder.count:
            count = recorder.count
            recorder.spin(QUIET_S)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask politely; a process that does not end within five seconds is killed with its children."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(5.0)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def _context() -> Iterator[None]:
    try:
        rclpy.init()
    except RuntimeError as error:
        raise MissingError(f"ROS does not start: {error}", "see `trt-perception doctor`") from error
    try:
        yield
    finally:
        rclpy.try_shutdown()
