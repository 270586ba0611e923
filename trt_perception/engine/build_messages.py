"""What TensorRT says while it parses and builds: collected, never printed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

_KEPT = ("INTERNAL_ERROR", "ERROR", "WARNING")
_LIMIT = 500


class BuildMessages:
    """The errors and warnings of one build, oldest first; a text that came already is not kept again.

    Args:
        on_message: Called with every text that is kept, at once: what is known when the process dies.
    """

    def __init__(self, on_message: Callable[[str], None] | None = None) -> None:
        self._on_message = on_message
        self._lock = threading.Lock()
        self._texts: dict[str, None] = {}

    def add(self, severity: str, text: str) -> None:
        """Take one message.

        Args:
            severity: Name of a member of TensorRT's ILogger.Severity; below WARNING nothing is kept.
            text: What TensorRT says.
        """
        if severity not in _KEPT:
            return
        line = f"{'warning' if severity == 'WARNING' else 'error'}: {' '.join(text.split())}"
        with self._lock:
            if line in self._texts or len(self._texts) >= _LIMIT:
                return
            self._texts[line] = None
        if self._on_message is not None:
            self._on_message(line)

    def texts(self) -> tuple[str, ...]:
        """All of them, as `warning: ...` or `error: ...`."""
        with self._lock:
            return tuple(self._texts)

    def errors(self) -> tuple[str, ...]:
        """The errors, without the word."""
        return tuple(text.removeprefix("error: ") for text in self.texts() if text.startswith("error: "))


_ALIVE: list[Any] = []


def make_logger(trt: Any, messages: BuildMessages) -> Any:
    """A logger of this module that gives `messages` what TensorRT says."""

    class Logger(trt.ILogger):  # type: ignore[misc]  # its base comes with the module
        def __init__(self) -> None:
            trt.ILogger.__init__(self)

        def log(self, severity: Any, text: str) -> None:
            messages.add(severity.name, text)

    logger = Logger()
    # TensorRT keeps the first logger of a process for what belongs to no builder, and does not count as an owner.
    _ALIVE.append(logger)
    return logger
