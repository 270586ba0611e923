"""How fast faults are seen, and how fast they are over.

    python bench/faults.py

Runs the tests of those rows of docs/faults.md whose times come from here; they say what they measured, and of several
measurements the slowest is kept. `python tools/render_docs.py` fills the rows from the result.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from result_file import ROOT, ResultFile

PAGE = ROOT / "docs" / "faults.md"
COLUMNS = {
    "fault": "fault",
    "in_log": "in the log after, s",
    "on_diagnostics": "on diagnostics after, s",
    "counted": "counted after, s",
    "told": "line and exit code after, s",
    "process_ended": "process ended after, s",
    "from_start": "process ended after its start, s",
    "latency_p99": "latency at the 99th percentile, s",
    "over": "over after its cause, s",
}
LIMIT_S = 1.5
"""Longest until a fault stands on diagnostics, which come once a second."""
TIMEOUT_S = {"silent_camera": 1.0}
"""What is allowed besides: `timeout_ms` of the test's camera."""
SLOWER = {"small_segment": "segment", "receiver_hangs": "hanging receiver", "too_many_images": "too many images"}
"""Faults that are known only after a longer silence, or several seconds of images."""
RESUME_S = 1.0
LATENCY_S = 0.5


def measure() -> dict[str, dict[str, float]]:
    """The slowest time of each kind, by fault."""
    tests = re.findall(r"<!-- times: .*?\bfaults:.* `(\w+/\w+\.py::\w+)` \|$", PAGE.read_text(), re.MULTILINE)
    with tempfile.TemporaryDirectory() as folder:
        times = Path(folder) / "times.jsonl"
        paths = [f"test/{test}" for test in dict.fromkeys(tests)]
        command = [sys.executable, "-m", "pytest", "-q", *paths]
        subprocess.run(command, cwd=ROOT, env={**os.environ, "FAULT_TIMES": str(times)}, check=True)
        found: dict[str, dict[str, float]] = {}
        for line in times.read_text().splitlines():
            entry = json.loads(line)
            slowest = found.setdefault(entry.pop("fault"), {})
            for kind, seconds in entry.items():
                slowest[kind] = max(seconds, slowest.get(kind, 0.0))
    return found


def main() -> int:
    """Measure, print, write docs/results/faults.json; 1 where a goal is missed."""
    found = measure()
    seen = max(
        times["on_diagnostics"] - TIMEOUT_S.get(fault, 0.0)
        for fault, times in found.items()
        if "on_diagnostics" in times and fault not in SLOWER
    )
    resumed = max(found["stamps_go_back"]["over"], found["camera_clock_set_back"]["over"])
    latency = found["slow_subscriber"]["latency_p99"]
    result = ResultFile(
        name="faults",
        question="How fast the node sees a fault, and how fast results come again once its cause has gone.",
        command="python bench/faults.py",
        columns=COLUMNS,
        rows=[
            {"fault": fault, **{key: times[key] for key in COLUMNS if key in times}} for fault, times in found.items()
        ],
        goals=[
            f"on diagnostics within {LIMIT_S:g} s, a silent camera from its timeout on, but for "
            f"{', '.join(SLOWER.values())}: at most {seen:.2f} s, "
            f"{_words(seen <= LIMIT_S)}",
            f"stamps that went back resume within {RESUME_S:g} s: {resumed:.2f} s, {_words(resumed <= RESUME_S)}",
            f"a subscriber that stopped reading leaves the latency at the 99th percentile below {LATENCY_S:g} s: "
            f"{latency:.2f} s, {_words(latency < LATENCY_S)}",
        ],
    )
    print(f"{result.write()}: " + "; ".join(result.goals))
    return 0 if seen <= LIMIT_S and resumed <= RESUME_S and latency < LATENCY_S else 1


def _words(held: bool) -> str:
    return "held" if held else "missed"


if __name__ == "__main__":
    sys.exit(main())
