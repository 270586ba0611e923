"""Running the programs that set-up needs."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.set_up.error import SetUpError

TAIL_LINES = 25


def run_logged(command: Sequence[str], *, log: Path, cwd: Path, env: Mapping[str, str]) -> None:
    """Run a command with its output in a log.

    Raises:
        SetUpError: It failed; the text holds the end of the log.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as stream:
        try:
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                close_fds=False,  # It holds set-up's lock: an orphan of a killed set-up is waited for by the next one.
            )
        except OSError as error:
            raise SetUpError(f"set-up: `{command[0]}` does not start: {error}") from error
        try:
            code = process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if code != 0:
        tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL_LINES:])
        raise SetUpError(f"{tail}\nset-up: step {log.stem!r} failed with exit code {code}; whole log: {log}")


def succeeds(command: Sequence[str], env: Mapping[str, str] | None = None) -> bool:
    """Whether a command runs and returns 0; its output is dropped."""
    try:
        code = subprocess.run(
            command,
            env=None if env is None else dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        ).returncode
    except OSError:
        return False
    return code == 0
