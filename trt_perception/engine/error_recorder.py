"""Collects the errors that TensorRT reports while an engine is loaded or run."""

from __future__ import annotations

import threading
from typing import Any

_KEPT = 32


def make_error_recorder(trt: Any) -> Any:
    """An IErrorRecorder of this module, for `error_recorder` of a builder, runtime, engine or context.

    TensorRT may report from any thread. It has, besides what TensorRT calls, `texts()`: the errors since the last
    `clear()`, oldest first, as `INVALID_ARGUMENT: what TensorRT says`; of very many the first ones.
    """

    class ErrorRecorder(trt.IErrorRecorder):  # type: ignore[misc]  # its base comes with the module
        def __init__(self) -> None:
            trt.IErrorRecorder.__init__(self)
            self._lock = threading.Lock()
            self._errors: list[tuple[Any, str]] = []
            self._overflowed = False

        def texts(self) -> tuple[str, ...]:
            with self._lock:
                return tuple(f"{code.name}: {text}" for code, text in self._errors)

        def report_error(self, code: Any, text: str) -> bool:
            with self._lock:
                self._overflowed = len(self._errors) >= _KEPT
                if not self._overflowed:
                    self._errors.append((code, text.strip()))
            return True

        def clear(self) -> None:
            with self._lock:
                self._errors.clear()
                self._overflowed = False

        def num_errors(self) -> int:
            with self._lock:
                return len(self._errors)

        def get_error_code(self, index: int) -> Any:
            with self._lock:
                return self._errors[index][0]

        def get_error_desc(self, index: int) -> str:
            with self._lock:
                return self._errors[index][1]

        def has_overflowed(self) -> bool:
            with self._lock:
                return self._overflowed

    return ErrorRecorder()
