"""What set-up tells the user while it works."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

REMINDER_S = 15


class Progress:
    """Numbered steps with seconds, on stderr.

    Args:
        title: Printed once, before the first step.
        step_count: How many steps there are.
    """

    def __init__(self, title: str, step_count: int) -> None:
        self._title: str | None = title
        self._step_count = step_count
        self._index = 0

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Show one step while the body runs: its start, that it is alive, and its seconds."""
        if self._title is not None:
            print(self._title, file=sys.stderr)
            self._title = None
        self._index += 1
        label = f"[{self._index}/{self._step_count}] {name}"
        start = time.monotonic()
        done = threading.Event()
        ticker = threading.Thread(target=_tick, args=(label, start, done), daemon=True)
        ticker.start()
        try:
            yield
        finally:
            done.set()
            ticker.join()
        _show(f"{label}: {time.monotonic() - start:.0f} s", final=True)

    def skip(self, count: int) -> None:
        """Count steps that were done before."""
        self._index += count


def _tick(label: str, start: float, done: threading.Event) -> None:
    interval_s = 1 if sys.stderr.isatty() else REMINDER_S
    _show(f"{label} ...", final=False)
    while not done.wait(interval_s):
        _show(f"{label} ... {time.monotonic() - start:.0f} s", final=False)


def _show(text: str, *, final: bool) -> None:
    """One line; on a terminal it replaces the line before it, until the final one."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="\n" if final else "", file=sys.stderr, flush=True)
    else:
        print(text, file=sys.stderr, flush=True)
