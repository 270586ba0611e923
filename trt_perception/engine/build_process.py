"""Builds the plan of an engine in a child process: what stops or crashes the build leaves this process whole."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from trt_perception import errors
from trt_perception.engine.build_plan import BuiltPlan
from trt_perception.engine.engine_options import EngineOptions
from trt_perception.engine.progress_monitor import Progress
from trt_perception.errors import DeviceError, PerceptionError
from trt_perception.options.json_schema import to_plain
from trt_perception.precision.account import Account

_CHILD = "trt_perception.engine.build_child"
_LAST_WORDS = 5


def build_in_child(
    module: str, graph: Path, account: Account, options: EngineOptions, *, progress: Progress | None = None
) -> BuiltPlan:
    """Build as `build_plan` does, in a process of its own.

    Ctrl-C here ends the build there, and so does the end of this process, however it comes. The plan comes back
    through a pipe: nothing is written but the timing cache, and that as a whole.

    Args:
        module: Name of the TensorRT module, for `load_tensorrt`.
        graph: The ONNX.
        account: What `quantize` gave with it.
        options: How to build.
        progress: Called now and then, where this TensorRT reports progress; what it raises ends the build.

    Raises:
        ModelError: TensorRT does not parse or build the graph, or it is written for another kind of TensorRT.
        ConfigError: The options ask for what this TensorRT or this graph does not offer.
        MissingError: The module or a plugin library is not there.
        DeviceError: The device failed, or the build's process died; names the signal and TensorRT's last words.
    """
    request = {
        "parent": os.getpid(),
        "module": module,
        "graph": str(graph.resolve()),
        "account": account.to_plain(),
        "options": to_plain(options),
        "progress": progress is not None,
    }
    with _start() as process:
        return _Conversation(process, model=account.model).hold(request, progress)


class _Conversation:
    """What one child says: lines of JSON, and after the last line the plan.

    Args:
        process: The child.
        model: Name of the model, for errors.
    """

    def __init__(self, process: subprocess.Popen[bytes], *, model: str) -> None:
        self._process = process
        self._model = model
        self._words: deque[str] = deque(maxlen=_LAST_WORDS)

    def hold(self, request: dict[str, Any], progress: Progress | None) -> BuiltPlan:
        """Ask, listen, and leave no child behind."""
        listener = threading.Thread(target=self._listen, daemon=True)
        listener.start()
        try:
            self._ask(request)
            built = self._answer(progress)
            if built is None:
                listener.join(timeout=1)
                raise self._death()
            return built
        finally:
            self._process.kill()  # does nothing where it ended by itself
            self._process.wait()
            listener.join(timeout=1)

    def _ask(self, request: dict[str, Any]) -> None:
        stdin = _pipe(self._process.stdin)
        with suppress(BrokenPipeError):  # it died; why, its last words say
            stdin.write(json.dumps(request).encode())
            stdin.close()

    def _answer(self, progress: Progress | None) -> BuiltPlan | None:
        """The plan; None where the child ended before it was whole."""
        stdout = _pipe(self._process.stdout)
        for line in stdout:
            kind, content = json.loads(line)
            if kind == "progress" and progress is not None:
                progress(*content)
            elif kind == "message":
                self._words.append(content)
            elif kind == "error":
                raise _error(**content)
            elif kind == "built":
                size = content.pop("bytes")
                plan = stdout.read(size)
                if len(plan) == size:
                    return BuiltPlan(plan=plan, **{**content, "messages": tuple(content["messages"])})
        return None

    def _listen(self) -> None:
        """Libraries write what they die of to stderr."""
        for line in _pipe(self._process.stderr):
            text = line.decode(errors="replace").strip()
            if text:
                self._words.append(text)

    def _death(self) -> DeviceError:
        code = self._process.wait()
        cause = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        hint = " (out of memory, or somebody ended it)" if code == -signal.SIGKILL else ""
        words = "; ".join(self._words)
        return DeviceError(
            f"{self._model}: the process that built the engine {cause}{hint}{f': {words}' if words else ''}; "
            "build again, with a lower optimization_level or workspace_mib where it comes back"
        )


def _start() -> subprocess.Popen[bytes]:
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH", "")) if part)
    return subprocess.Popen(
        [sys.executable, "-m", _CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
        # Ctrl-C in a terminal goes to every process of the group; only this one decides what becomes of the build.
        start_new_session=True,
    )


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise ValueError("expected a process with pipes")
    return pipe


def _error(kind: str, text: str, facts: dict[str, str]) -> PerceptionError:
    """The child's error, as it was raised there."""
    made = getattr(errors, kind)
    error: PerceptionError = made.__new__(made)
    error.args = (text,)
    vars(error).update(facts)
    return error
