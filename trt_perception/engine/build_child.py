"""The process that `build_process` starts: a request comes in as JSON, lines of JSON go out, and at last the plan."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import IO, Any

from trt_perception.engine.build_messages import BuildMessages
from trt_perception.engine.build_plan import BuiltPlan, build_plan
from trt_perception.engine.engine_options import EngineOptions
from trt_perception.engine.tensorrt_module import load_tensorrt
from trt_perception.errors import PerceptionError
from trt_perception.options.from_mapping import from_mapping
from trt_perception.precision.read_account import account_from_plain

_PR_SET_PDEATHSIG = 1


def main() -> int:
    """Build what stdin asks for."""
    answers = _own_stdout()
    request = json.load(sys.stdin.buffer)
    _die_with(request["parent"])
    try:
        built = _build(request, answers)
    except PerceptionError as error:
        facts = {key: value for key, value in vars(error).items() if isinstance(value, str)}
        _say(answers, "error", {"kind": type(error).__name__, "text": str(error), "facts": facts})
        return error.exit_code
    except Exception:
        traceback.print_exc()
        return 1
    header = {
        "bytes": len(built.plan),
        "seconds": built.seconds,
        "timing_cache": built.timing_cache,
        "messages": built.messages,
    }
    _say(answers, "built", header)
    answers.write(built.plan)
    answers.flush()
    return 0


def _build(request: dict[str, Any], answers: IO[bytes]) -> BuiltPlan:
    def report(phase: str, step: int, steps: int) -> None:
        _say(answers, "progress", [phase, step, steps])

    return build_plan(
        load_tensorrt(request["module"]),
        Path(request["graph"]),
        account_from_plain(request["account"], where="account"),
        from_mapping(EngineOptions, request["options"], where="engine options"),
        progress=report if request["progress"] else None,
        messages=BuildMessages(on_message=lambda text: _say(answers, "message", text)),
    )


def _say(answers: IO[bytes], kind: str, content: object) -> None:
    answers.write(json.dumps([kind, content]).encode() + b"\n")
    answers.flush()


def _own_stdout() -> IO[bytes]:
    """The way out for answers alone: what libraries print goes where errors go."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def _die_with(parent: int) -> None:
    """Let the kernel end this process with the one that asked: Python may be held up in TensorRT for minutes."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
