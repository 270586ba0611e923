"""The words between the two processes of the comparison: one JSON object a line, asked and answered in turn.

Asked: {"network": ..., "way": ..., "batch": n, "seconds": s}. Answered: {"per_s": frames a second, "p50_ms": of one
call, "objects": found in the first frame}. The first line that the other side prints is {"ways": {network: [...]},
"versions": {...}}.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

PREFIX = "PEER "
"""Before every answer: libraries print, too."""


class Peer:
    """The other process; it loads its libraries while this one goes on.

    Args:
        command: Starts it.
        environment: Of it.
    """

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._ready: dict[str, Any] | None = None

    @property
    def ready(self) -> dict[str, Any]:
        """What it said first; waits for it.

        Raises:
            RuntimeError: It ended before.
        """
        if self._ready is None:
            self._ready = self._answer()
        return self._ready

    def ask(self, network: str, way: str, *, batch: int, seconds: float) -> dict[str, Any]:
        """Measure one way.

        Raises:
            RuntimeError: It failed.
        """
        assert self._process.stdin is not None
        asked = {"network": network, "way": way, "batch": batch, "seconds": seconds}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(PREFIX):
                answer: dict[str, Any] = json.loads(line[len(PREFIX) :])
                if "error" in answer:
                    raise RuntimeError(answer["error"])
                return answer
        raise RuntimeError(f"{self._process.args!r} ended with code {self._process.wait()}")


def serve(ready: dict[str, Any], measure: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Answer until the other side closes."""
    _say(ready)
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            answer = measure(asked)
        except Exception as error:  # the other side says it, and goes on with another way
            answer = {"error": f"{asked['way']}: {type(error).__name__}: {error}"}
        _say(answer)


def _say(answer: dict[str, Any]) -> None:
    print(PREFIX + json.dumps(answer), flush=True)
