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
    """All parts by name, a later folder's before an earlier one's; exits where they are not of one GPU and commit."""
    parts: dict[str, dict[str, Any]] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.json")):
            part = json.loads(path.read_text())
            if "part" in part:
                parts[part["part"]] = part
    for key in IDENTITY:
        found = {part["identity"][key]: name for name, part in parts.items() if key in part["identity"]}
        if len(found) > 1:
            told = ", ".join(f"{value} ({name})" for value, name in found.items())
            sys.exit(f"merge: expected parts of one {key}, got {told}; run the older ones again")
    return parts
