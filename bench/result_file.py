"""docs/results/NAME.json: what one bench measured, where, when, and with which command."""

from __future__ import annotations

import datetime
import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs" / "results"

SCHEMA = 1

PACKAGES = ("numpy", "opencv-python-headless", "onnxruntime", "ros-rclpy", "ros-fastdds", "tensorrt", "cuda-core")


@dataclass(frozen=True, kw_only=True)
class ResultTable:
    """One table of a bench that has several; the fields are those of ResultFile."""

    question: str
    columns: Mapping[str, str]
    rows: Sequence[Mapping[str, Any]]
    goals: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class ResultFile:
    """One bench's results.

    Args:
        name: File name without its ending.
        question: What the bench answers, one sentence.
        command: What reproduces it, from the repository's root.
        columns: Heading by key of a row, in the order of the table.
        rows: One mapping a row; numbers keep their full precision here and are rounded in the table.
        goals: Sentences of the kind "at most 0.25, got 0.19: held".
        tables: By name, where there is more than one table.
        machine: What the figures depend on; `gpu`, `driver` and `tensorrt` where they were used.
    """

    name: str
    question: str
    command: str
    columns: Mapping[str, str] = field(default_factory=dict)
    rows: Sequence[Mapping[str, Any]] = ()
    goals: Sequence[str] = ()
    tables: Mapping[str, ResultTable] = field(default_factory=dict)
    schema: int = SCHEMA
    date: str = field(default_factory=lambda: datetime.datetime.now(datetime.timezone.utc).date().isoformat())
    commit: str = field(default_factory=lambda: commit())
    machine: Mapping[str, str] = field(default_factory=lambda: machine_facts())

    def write(self, folder: Path = RESULTS) -> Path:
        """Write the file, replacing an older one."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}.json"
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")
        return path


def commit() -> str:
    """The commit, marked where the tree differs from it; COMMIT says it where there is no repository."""
    if os.environ.get("COMMIT"):
        return os.environ["COMMIT"]
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"], cwd=ROOT, capture_output=True, text=True
        )
    except FileNotFoundError:
        return "unknown"
    return done.stdout.strip() or "unknown"


def machine_facts() -> dict[str, str]:
    """What the figures depend on."""
    facts = {
        "cpu": _cpu_model(),
        "cores": str(os.cpu_count()),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }
    for package in PACKAGES:
        try:
            facts[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return facts


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
