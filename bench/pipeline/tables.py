"""The tables of docs/results/pipeline.json."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bench.engines.table_words import TITLES, goal
from bench.result_file import ResultTable

Part = Mapping[str, Any]
Row = dict[str, Any]
ORDER = ("demo_fp16", "demo_split", "nano_fp16", "nano_split", "size_m_fp16", "size_m_split", "yolov8n_fp16")
PRECISIONS = {"fp16": "FP16", "split": "INT8 backbone, FP16 head"}
MOST_RATIO = {"size_m": 1.10, "demo": 1.25}
LEAST_SPEED_UP = 2.5

STAGES = {
    "title": "engine",
    "boxes_ratio": "pixels to boxes / engine alone",
    "whole_ratio": "with masks / engine alone",
    "engine_ms": "engine alone, ms",
    "boxes_ms": "pixels to boxes, ms",
    "whole_ms": "with masks, ms",
    "preprocess_ms": "preprocess",
    "decode_boxes_ms": "boxes and NMS",
    "decode_ms": "boxes, NMS, masks",
    "download_ms": "download",
    "sum_ms": "sum of the stages with masks",
    "upload_from_pinned_memory_ms": "upload, pinned",
    "upload_ms": "upload, pageable",
    "with_upload_ms": "with masks and upload",
}
STREAMS = {
    "title": "engine",
    "pipelines": "pipelines",
    "speed_up": "the better way, to one pipeline",
    "threads_per_s": "frames/s, a thread each",
    "one_thread_per_s": "frames/s, one thread",
    "pageable_per_s": "frames/s, a thread each, pageable",
    "threads_p50_ms": "latency p50, ms",
    "threads_p99_ms": "p99, ms",
    "graph_per_s": "GPU alone, frames/s",
    "engine_per_s": "engine alone, frames/s",
}
PRIORITY = {
    "case": "front camera",
    "latency_p50_ms": "latency p50, ms",
    "latency_p99_ms": "p99, ms",
    "gpu_p50_ms": "on the GPU p50, ms",
    "gpu_p99_ms": "p99, ms ",
    "load_per_s": "others, frames/s",
}
BATCH = {
    "cameras": "cameras",
    "ratio": "one batch / streams",
    "streams_per_s": "a stream each, frames/s",
    "batch_per_s": "one batch, frames/s",
    "streams_p50_ms": "a stream each, p50 of a frame, ms",
    "batch_p50_ms": "one batch, p50, ms",
}
ALLOCATIONS = {
    "title": "engine",
    "frames": "frames",
    "gpu_calls_count": "calls that allocate or make something on the GPU",
    "device_bytes": "device memory, bytes",
    "private_mb": "private host memory, MB",
    "python_blocks": "Python objects",
}
TRACING = {
    "tracing": "tracing",
    "latency_ms": "latency of one pipeline, ms",
    "one_thread_per_s": "eight pipelines, one thread, frames/s",
    "threads_per_s": "a thread each, frames/s",
}


def pipeline_tables(parts: Mapping[str, Part]) -> dict[str, ResultTable]:
    """Those of which there are parts."""
    return dict(_tables(parts))


def title(engine: str) -> str:
    """An engine as the tables call it."""
    network, _, precision = engine.rpartition("_")
    return f"{TITLES.get(network, network)}, {PRECISIONS[precision]}"


def _named(parts: Mapping[str, Part], kind: str) -> Iterator[tuple[str, Part]]:
    return ((engine, parts[f"{kind}_{engine}"]) for engine in ORDER if f"{kind}_{engine}" in parts)


def _tables(parts: Mapping[str, Part]) -> Iterator[tuple[str, ResultTable]]:
    stages = [{**part["row"], "engine_name": engine} for engine, part in _named(parts, "stages")]
    if stages:
        yield "stages", _stages(stages)
    streams = [row for engine, part in _named(parts, "streams") for row in _streamed(engine, part["rows"])]
    if streams:
        yield "streams", _streams(streams)
    for kind, question in (
        ("priority", "The front camera at 30 Hz while seven other pipelines keep the GPU full; {}."),
        ("batch", "Frames of many cameras as one batch against a stream each, pixels on the device; {}."),
    ):
        for engine, part in _named(parts, kind):
            rows = [dict(row) for row in part["rows"]]
            goals = [_priority_goal(rows)] if kind == "priority" else [part["rule"]]
            columns = PRIORITY if kind == "priority" else BATCH
            yield (
                kind,
                ResultTable(question=question.format(title(engine)), columns=columns, rows=rows, goals=goals),
            )
    costs = list(_named(parts, "costs"))
    if costs:
        rows = [{**part["allocations"], "title": title(engine)} for engine, part in costs]
        calls = sum(row["gpu_calls_count"] for row in rows)
        goals = [goal("nothing is allocated on the GPU for a frame", f"{calls} calls", calls == 0)]
        question = "What is allocated while frames run, once the pipeline has seen their layout."
        yield "allocations", ResultTable(question=question, columns=ALLOCATIONS, rows=rows, goals=goals)
        yield "tracing", _tracing(*costs[0])


def _stages(rows: list[Row]) -> ResultTable:
    goals = []
    for row in rows:
        network = row["engine_name"].rpartition("_")[0]
        row["title"] = title(row["engine_name"])
        if network in MOST_RATIO:
            most = MOST_RATIO[network]
            what = f"{row['title']}: pixels to boxes at most {most:.2f}x the engine alone"
            goals.append(goal(what, f"{row['boxes_ratio']:.3f}x", row["boxes_ratio"] <= most))
    question = (
        "GPU time of a 1080p bgr8 frame whose pixels are on the device, medians; each stage as a CUDA graph of its "
        "own, ratios in turn with the engine alone. Masks have the camera's size."
    )
    return ResultTable(question=question, columns=STAGES, rows=rows, goals=goals)


def _streamed(engine: str, rows: list[Row]) -> Iterator[Row]:
    first = next(row for row in rows if row["pipelines"] == 1)
    for row in rows:
        yield {
            **row,
            "title": title(engine),
            "engine_name": engine,
            "best_per_s": max(row["threads_per_s"], row["one_thread_per_s"]),
            "speed_up": max(row["threads_per_s"], row["one_thread_per_s"])
            / max(first["threads_per_s"], first["one_thread_per_s"]),
            "graph_speed_up": row["graph_per_s"] / first["graph_per_s"],
        }


def _streams(rows: list[Row]) -> ResultTable:
    goals = []
    for row in rows:
        if row["engine_name"] == "demo_fp16" and row["pipelines"] == 8:
            got = f"{row['speed_up']:.2f}x ({row['graph_speed_up']:.2f}x by the GPU alone)"
            what = f"{row['title']}: at least {LEAST_SPEED_UP}x the frames from one pipeline to eight"
            goals.append(goal(what, got, row["speed_up"] >= LEAST_SPEED_UP))
    question = (
        "Frames a second of so many pipelines of one engine in one process, two tickets in flight each, uploads from "
        "pinned memory and results as arrays included; beside it the same graphs with pixels on the device, and the "
        "engine alone on so many streams."
    )
    return ResultTable(question=question, columns=STREAMS, rows=rows, goals=goals)


def _priority_goal(rows: list[Row]) -> str:
    by = {row["case"]: row for row in rows}
    without, having = by["under load"], by["under load, priority"]
    return (
        f"p99 with priority / without: {having['latency_p99_ms'] / without['latency_p99_ms']:.2f} in the calling "
        f"thread, {having['gpu_p99_ms'] / without['gpu_p99_ms']:.2f} on the GPU"
    )


def _tracing(engine: str, part: Part) -> ResultTable:
    rows = [dict(row) for row in part["tracing"]]
    off, on = rows[0], rows[1]
    cost = 100.0 * (on["latency_ms"] / off["latency_ms"] - 1)
    return ResultTable(
        question=f"Stamps of every stage in every result, on against off, medians of rounds; {title(engine)}.",
        columns=TRACING,
        rows=rows,
        goals=[f"tracing costs {cost:.1f} % of one pipeline's latency"],
    )
