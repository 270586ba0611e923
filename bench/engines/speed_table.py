"""Speed over streams and batch sizes: one line an engine, and what it must reach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bench.engines.networks import BATCHES, STREAMS
from bench.engines.table_words import TITLES, Part, Row, goal
from bench.result_file import ResultTable

SPEED_QUESTION = (
    "Inference alone, input and output on the GPU; on every stream one inference after another. "
    "The engines run as one CUDA graph a stream, torch eager with its normalisation folded."
)
LATENCY = {
    "network": "network",
    "way": "run by",
    "streams": "streams",
    "batch": "batch",
    "p50_ms": "p50, ms",
    "p99_ms": "p99, ms",
    "frames_per_s": "frames/s",
    "memory_mib": "device memory, MiB",
}
"""Columns of the table that has a row for every number of streams and batch size."""

_WAYS = {"fp32": "TensorRT FP32", "fp16": "TensorRT FP16", "split": "TensorRT INT8 backbone, FP16 head"}

Rates = Mapping[tuple[str, str, int, int], float]


def speed_order(row: Part) -> tuple[int, int, int, str]:
    """By network, streams, batch, way."""
    return list(TITLES.values()).index(row["network"]), row["streams"], row["batch"], row["way"]


def speed_table(rows: list[Row]) -> ResultTable:
    """Frames a second at every number of streams and batch size, and the latency of one stream at batch 1."""
    lines: dict[tuple[str, str], Row] = {}
    for row in sorted(rows, key=speed_order):
        way = _WAYS.get(row["way"].removeprefix("TensorRT "), row["way"])
        line = lines.setdefault((row["network"], row["way"]), {"network": row["network"], "way": way})
        line[f"{row['streams']}x{row['batch']}"] = row["frames_per_s"]
        if (row["streams"], row["batch"]) == (1, 1):
            line.update(p50_ms=row["p50_ms"], p99_ms=row["p99_ms"])
    columns = {"network": "network", "way": "run by", "p50_ms": "p50, ms", "p99_ms": "p99, ms"}
    columns.update({f"{streams}x{batch}": f"{streams}x{batch}" for streams in STREAMS for batch in BATCHES})
    question = f"{SPEED_QUESTION} Frames a second by streams x batch; p50 and p99 of one inference at 1x1."
    ordered = sorted(lines.values(), key=lambda line: list(TITLES.values()).index(line["network"]))
    return ResultTable(question=question, columns=columns, rows=ordered, goals=list(_goals(rows)))


def _goals(rows: list[Row]) -> Iterator[str]:
    rates = {(row["network"], row["way"], row["streams"], row["batch"]): row["frames_per_s"] for row in rows}
    for network in TITLES.values():
        ratio = _ratio(rates, (network, "TensorRT fp16", 1, 1), (network, "torch FP32", 1, 1))
        if ratio is not None:
            yield goal(f"{network}: FP16 at least 8x torch FP32 at batch 1", f"{ratio:.1f}x", ratio >= 8)
    ratio = _ratio(rates, (TITLES["size_l"], "TensorRT split", 1, 16), (TITLES["size_l"], "TensorRT fp16", 1, 16))
    if ratio is not None:
        yield goal("L: split at least 1.3x FP16 at batch 16, one stream", f"{ratio:.2f}x", ratio >= 1.3)
    for network in TITLES.values():
        yield from _many_streams(rates, network)


def _many_streams(rates: Rates, network: str) -> Iterator[str]:
    found = {}
    for title, way, streams, batch in rates:
        if title == network and way == "TensorRT split" and streams >= 4:
            ratio = _ratio(rates, (network, way, streams, batch), (network, "TensorRT fp16", streams, batch))
            if ratio is not None:
                found[streams, batch] = ratio
    if found:
        (streams, batch), worst = min(found.items(), key=lambda item: item[1])
        what = f"{network}: split never below 0.95x FP16 from 4 streams on"
        yield goal(what, f"{worst:.2f}x at {streams} streams, batch {batch}", worst >= 0.95)


def _ratio(rates: Rates, one: Any, other: Any) -> float | None:
    return rates[one] / rates[other] if one in rates and other in rates else None
