"""Makes docs/results/pipeline.json, ros_cameras.json and peers.json out of the parts.

    python -m bench.pipeline.merging FOLDER... [--results docs/results]

Parts of a later folder replace those of an earlier one; a file of which there is no part is left as it is.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.engines.part_file import say
from bench.peers.table import peers_tables
from bench.pipeline.tables import pipeline_tables
from bench.result_file import RESULTS, ResultFile, ResultTable
from bench.ros_cameras.table import ros_tables

Part = Mapping[str, Any]
SAME = ("gpu", "driver", "tensorrt")
"""In what all parts of one file agree."""

FILES: Mapping[str, tuple[str, str, Callable[[Mapping[str, Part]], dict[str, ResultTable]]]] = {
    "pipeline": (
        "The GPU path beside the engine alone: 1080p bgr8 frames from their pixels to results on the host.",
        "bench/run_pipeline.sh stages streams priority batch costs merge",
        pipeline_tables,
    ),
    "ros_cameras": (
        "From camera topics to result topics through the whole node; every process on the same machine.",
        "bench/run_pipeline.sh ros merge",
        ros_tables,
    ),
    "peers": (
        "The same 1080p frames through the same network: this package, torch eager, Ultralytics; in turn, in one run.",
        "bench/run_pipeline.sh peers merge",
        peers_tables,
    ),
}


def read_parts(folders: list[Path]) -> dict[str, Part]:
    """All parts by name, a later folder's before an earlier one's."""
    parts: dict[str, Part] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.json")):
            part = json.loads(path.read_text())
            if "part" in part:
                parts[part["part"]] = part
    return parts


def merge(parts: Mapping[str, Part], results: Path) -> None:
    """Write the files of which there are parts; exits where their parts are not of one GPU."""
    for name, (question, command, tables_of) in FILES.items():
        tables = tables_of(parts)
        if not tables:
            continue
        used = [part for key, part in parts.items() if FILE_OF.get(key.partition("_")[0]) == name]
        machine: dict[str, str] = dict(used[-1]["machine"])
        for key in SAME:
            found = sorted({part["identity"][key] for part in used})
            if len(found) > 1:
                sys.exit(f"{name}: expected parts of one {key}, got {', '.join(found)}; run the older ones again")
            machine[key] = found[0]
        for part in used:
            machine.update(part.get("versions", {}))
        for table_name, table in tables.items():
            for text in table.goals:
                say(f"{name}, {table_name}: {text}")
        path = ResultFile(
            name=name,
            question=question,
            command=command,
            tables=tables,
            date=max(part["date"] for part in used),
            commit=", ".join(sorted({part["identity"]["commit"] for part in used})),
            machine=machine,
        ).write(results)
        say(f"written: {path}")


FILE_OF = {
    **dict.fromkeys(("stages", "streams", "priority", "batch", "costs"), "pipeline"),
    "ros": "ros_cameras",
    "peers": "peers",
}
"""File by the first word of a part's name."""


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--results", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    merge(read_parts(arguments.folders), arguments.results)


if __name__ == "__main__":
    main()
