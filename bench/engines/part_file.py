"""A part of the results: written as soon as it is measured, merged later."""

from __future__ import annotations

import datetime
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.result_file import commit, machine_facts

IDENTITY = ("gpu", "driver", "tensorrt", "commit")
"""In what all parts that are merged agree; a part without TensorRT says nothing of it."""

CONDITIONS = ("network", "pictures", "seconds")
"""What rows of two parts must have in common to stand in one."""

_started = time.monotonic()


def say(text: str) -> None:
    """A line of progress with the seconds since the start."""
    print(f"{time.monotonic() - _started:6.0f} s  {text}", flush=True)


def write_part(folder: Path, name: str, identity: Mapping[str, str], content: Mapping[str, Any]) -> None:
    """Write one part, replacing an older one."""
    folder.mkdir(parents=True, exist_ok=True)
    plain = {
        "part": name,
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "identity": {**identity, "commit": commit()},
        "machine": machine_facts(),
        **content,
    }
    path = folder / f"{name}.json"
    path.write_text(json.dumps(plain, indent=1) + "\n")
    say(f"written: {path}")


def read_parts(folders: list[Path]) -> dict[str, dict[str, Any]]:
    """All parts by name; exits where they are not of one GPU and commit.

    A later folder's part replaces an earlier one's. Of ways of running a network that it lacks, and that were measured
    under the same conditions, the earlier rows stay: not everything is built anew each time.
    """
    parts: dict[str, dict[str, Any]] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.json")):
            part = json.loads(path.read_text())
            if "part" in part:
                parts[part["part"]] = _completed(part, parts.get(part["part"], {}))
    for key in IDENTITY:
        found = {part["identity"][key]: name for name, part in parts.items() if key in part["identity"]}
        if len(found) > 1:
            told = ", ".join(f"{value} ({name})" for value, name in found.items())
            sys.exit(f"merge: expected parts of one {key}, got {told}; run the older ones again")
    return parts


def _completed(part: dict[str, Any], earlier: Mapping[str, Any]) -> dict[str, Any]:
    """With the rows of an earlier part of the same name whose `way` it does not have."""
    if any(part.get(key) != earlier.get(key) for key in CONDITIONS):
        return part
    ways = {row["way"] for row in part.get("rows", []) if "way" in row}
    kept = [row for row in earlier.get("rows", []) if ways and row.get("way", "") not in (*ways, "")]
    return {**part, "rows": [*kept, *part["rows"]]} if kept else part
