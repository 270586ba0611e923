"""What a row of docs/faults.md says under "measured": read from docs/results, by the keys that the row names.

A key is ``FILE:FAULT``, the fault as that file names it; several are separated by semicolons, and of several
measurements of one kind the slowest counts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

FILES = ("faults", "soak", "gpu_faults")
WORDS: Mapping[str, str] = {
    "seen": "seen {}",
    "in_log": "log {}",
    "counted": "counter {}",
    "on_diagnostics": "diagnostics {}",
    "told": "told {}",
    "process_ended": "process ended {}",
    "from_start": "exit code {} after its start",
    "latency_p99": "99 % of results within {}",
    "over": "over {}",
}
"""What is said of which column, in the order of the cell."""

RENAMED: Mapping[tuple[str, str], str] = {("soak", "seen"): "on_diagnostics"}
"""By file and column: the column whose words are right."""

NOT_YET = "not measured yet"


def fault_times(keys: str, *, results: Path) -> str:
    """The cell: ``log 2 ms, diagnostics 1.19 s, over 0.21 s``, and what of it was not measured yet.

    Args:
        keys: As the row names them.
        results: Folder of the result files.

    Raises:
        ValueError: A key names no file of faults.
    """
    slowest: dict[str, float] = {}
    pairs, absent = split_keys(keys), []
    for file, fault in pairs:
        measured = faults_of(results / f"{file}.json").get(fault, {})
        if not measured:
            absent.append(fault)
        for column, seconds in measured.items():
            kind = RENAMED.get((file, column), column)
            if kind in WORDS and isinstance(seconds, (int, float)):
                slowest[kind] = max(seconds, slowest.get(kind, 0.0))
    if len(absent) == len(pairs):
        return NOT_YET
    times = ", ".join(words.format(_duration(slowest[kind])) for kind, words in WORDS.items() if kind in slowest)
    return times + (f"; {NOT_YET}: {', '.join(absent)}" if absent else "")


def split_keys(keys: str) -> list[tuple[str, str]]:
    """File and fault of each key."""
    pairs = []
    for key in keys.split(";"):
        file, _, fault = key.strip().partition(":")
        if file not in FILES or not fault:
            raise ValueError(f"expected FILE:FAULT with one of {', '.join(FILES)} as file, got {key.strip()!r}")
        pairs.append((file, fault))
    return pairs


@cache
def faults_of(path: Path) -> dict[str, dict[str, Any]]:
    """The rows of a result file by fault; none where it was never run."""
    if not path.exists():
        return {}
    return {row["fault"]: row for row in json.loads(path.read_text())["rows"]}


def _duration(seconds: float) -> str:
    if seconds < 0.0005:
        return "< 1 ms"
    return f"{seconds * 1000:.0f} ms" if seconds < 0.0995 else f"{seconds:.2f} s"
