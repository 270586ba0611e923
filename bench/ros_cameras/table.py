"""The table of docs/results/ros_cameras.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.engines.table_words import goal
from bench.result_file import ResultTable
from bench.ros_cameras.case import CASES

Part = Mapping[str, Any]
HELD_P99_MS = 33.0
CHAIN_P99_MS = 20.0

COLUMNS = {
    "title": "cameras, 1080p at 30 Hz",
    "seconds": "seconds",
    "images": "images",
    "dropped": "dropped by the node",
    "lost": "lost by the middleware",
    "publish_p50_ms": "age at publish p50, ms",
    "publish_p99_ms": "p99",
    "publish_p99.9_ms": "p99.9",
    "receipt_p50_ms": "age at receipt p50, ms",
    "receipt_p99_ms": "p99 ",
    "receipt_p99.9_ms": "p99.9 ",
    "node_cores": "node, cores",
    "receiver_cores": "receivers, cores",
    "sent_late": "sent late",
}


def held(row: Mapping[str, Any]) -> bool:
    """Whether the node kept up: every image's result in time, and none dropped."""
    return bool(row["dropped"] == 0 and row["publish_p99_ms"] is not None and row["publish_p99_ms"] < HELD_P99_MS)


def ros_tables(parts: Mapping[str, Part]) -> dict[str, ResultTable]:
    """One table, where there is a part."""
    rows = [dict(parts[f"ros_{name}"]["row"]) for name in CASES if f"ros_{name}" in parts]
    if not rows:
        return {}
    question = (
        "A process a camera sends 1080p images at 30 Hz, the node detects with the demo model (FP16) and publishes, "
        "another process listens. Age is now minus the image's stamp, which is taken right before it is sent; `at "
        "publish` is the node's own figure, `at receipt` the listener's."
    )
    return {"cameras": ResultTable(question=question, columns=COLUMNS, rows=rows, goals=_goals(rows))}


def _goals(rows: list[dict[str, Any]]) -> list[str]:
    by = {row["case"]: row for row in rows}
    goals = []
    for row in rows:
        if row["case"].startswith("16_raw"):
            got = f"{_ms(row['publish_p99_ms'])} ms, {row['dropped']} dropped in {row['seconds']:.0f} s"
            goals.append(goal(f"{row['title']}: p99 below {HELD_P99_MS:.0f} ms and nothing dropped", got, held(row)))
    if "16_raw" in by and not held(by["16_raw"]):
        most = max((row["cameras"] for row in rows if held(row) and row["case"].endswith("_raw")), default=0)
        goals.append(f"the largest number of cameras that was held: {most}")
    if "6_raw" in by:
        row = by["6_raw"]
        what = f"{row['title']}: image stamp to detection below {CHAIN_P99_MS:.0f} ms p99"
        p99 = row["receipt_p99_ms"]
        goals.append(goal(what, f"{_ms(p99)} ms", p99 is not None and p99 < CHAIN_P99_MS))
    return goals


def _ms(value: float | None) -> str:
    return "nothing" if value is None else f"{value:.1f}"
