"""How far a build is, for people: one bar that shows the phase at work, and that time goes by where nothing is told."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from trt_perception.cli.progress import progress_bar

if TYPE_CHECKING:
    from trt_perception.engine.progress_monitor import Progress

_TICK_S = 1.0
_TICK_IN_LOGS_S = 30.0


@contextmanager
def build_progress(title: str) -> Iterator[Progress]:
    """A bar on stderr from the first report on; gives the function that takes the reports.

    Args:
        title: What is built.
    """
    bars: list[Any] = []
    ended = threading.Event()
    # TensorRT 8.6 says nothing for minutes; the seconds show that it is at work.
    ticker = threading.Thread(target=_tick, args=(bars, ended), daemon=True)

    def progress(phase: str, step: int, steps: int) -> None:
        if not bars:
            bars.append(progress_bar(title, total=steps, unit="step"))
            ticker.start()
        (bar,) = bars
        bar.total = steps or None
        bar.set_description(f"{title}: {phase}", refresh=False)
        bar.update(step - bar.n)

    try:
        yield progress
    finally:
        ended.set()
        if ticker.is_alive():
            ticker.join()
        for bar in bars:
            bar.close()


def _tick(bars: list[Any], ended: threading.Event) -> None:
    while not ended.wait(_TICK_S if sys.stderr.isatty() else _TICK_IN_LOGS_S):
        for bar in bars:
            bar.refresh()
