"""CPU time of a process and of all that it started, from /proc."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, kw_only=True)
class CpuTimes:
    """CPU seconds since the start of each process.

    Args:
        root: Of the process itself.
        children: Of all its descendants together.
        threads: Of the process, by the name of the thread.
    """

    root: float
    children: float
    threads: dict[str, float]


def cpu_times(pid: int) -> CpuTimes:
    """Read them now; processes that have ended meanwhile do not count."""
    family = descendants(pid)
    threads = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        name, seconds = _stat(task / "stat")
        threads[f"{name} {task.name}"] = seconds
    return CpuTimes(
        root=_stat(Path(f"/proc/{pid}/stat"))[1],
        children=sum(_stat(Path(f"/proc/{child}/stat"))[1] for child in family),
        threads=threads,
    )


def descendants(pid: int) -> list[int]:
    """Children, their children, and so on."""
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        try:
            tasks = list(Path(f"/proc/{one}/task").iterdir())
            for task in tasks:
                children = [int(word) for word in (task / "children").read_text().split()]
                found += children
                waiting += children
        except OSError:
            continue
    return found


def _stat(path: Path) -> tuple[str, float]:
    try:
        head, _, tail = path.read_text().rpartition(")")
    except OSError:
        return "ended", 0.0
    fields = tail.split()
    return head.partition("(")[2], (int(fields[11]) + int(fields[12])) / TICKS_PER_S
