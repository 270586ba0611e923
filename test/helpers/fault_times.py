"""How long faults took to be seen and to be over: docs/faults.md is filled from these.

`python bench/faults.py` runs the tests and reads the file.
"""

from __future__ import annotations

import json
import os


def keep_times(fault: str, **seconds: float) -> None:
    """Append what a test has measured to the file that FAULT_TIMES names, if it names one."""
    path = os.environ.get("FAULT_TIMES")
    if path:
        rounded = {name: round(value, 3) for name, value in seconds.items()}
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"fault": fault, **rounded}) + "\n")
