"""The table of docs/results/peers.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.engines.table_words import TITLES, goal
from bench.result_file import ResultTable

Part = Mapping[str, Any]
NETWORKS = ("yolov8n", "demo", "size_m")
LEAST_TORCH = 10.0
LEAST_ULTRALYTICS = 3.0

COLUMNS = {
    "title": "network",
    "way": "run by",
    "batch": "frames at once",
    "ours_best": "this package's six pipelines / it",
    "ours_six": "this package, six at once / it",
    "ours_alone": "this package, one by one / it",
    "per_s": "frames/s",
    "p50_ms": "p50 of a call, ms",
    "same_objects": "same objects",
}


def peers_tables(parts: Mapping[str, Part]) -> dict[str, ResultTable]:
    """One table, where there is a part."""
    rows = [
        {**row, "title": TITLES.get(name, "YOLOv8n, random weights")}
        for name in NETWORKS
        if f"peers_{name}" in parts
        for row in parts[f"peers_{name}"]["rows"]
    ]
    if not rows:
        return {}
    question = (
        "Images in pageable memory to boxes on the host (the demo's networks: masks, too), everything included. This "
        "package's engines are FP16. `Same objects`: of the objects of both, those with a partner of their class with "
        "an IoU of 0.9."
    )
    return {"peers": ResultTable(question=question, columns=COLUMNS, rows=rows, goals=list(_goals(rows)))}


def _goals(rows: list[dict[str, Any]]) -> list[str]:
    goals = []
    for row in rows:
        if row["way"] == "torch eager FP32" and row["batch"] == 1:
            what = f"{row['title']}: at least {LEAST_TORCH:.0f}x the frames/s of torch eager FP32 one by one"
            got = f"{row['ours_best']:.1f}x with six pipelines, {row['ours_alone']:.1f}x one by one"
            goals.append(goal(what, got, row["ours_best"] >= LEAST_TORCH))
        if row["way"].startswith("Ultralytics FP32") and row["batch"] == 6:
            what = f"{row['title']}: at least {LEAST_ULTRALYTICS:.0f}x {row['way']} in batches of six"
            goals.append(goal(what, f"{row['ours_six']:.1f}x", row["ours_six"] >= LEAST_ULTRALYTICS))
    return goals
