"""Makes docs/results/engines.json out of the parts: tables, and whether the goals held."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.engines.accuracy import AGAINST_STRONG, SPLIT, STRONG
from bench.engines.networks import PLANS
from bench.engines.part_file import IDENTITY, read_parts, say
from bench.engines.speed_table import LATENCY, SPEED_QUESTION, speed_order, speed_table
from bench.engines.table_words import TITLES, Part, Row, goal
from bench.result_file import RESULTS, ResultFile, ResultTable
from trt_perception.engine.copy_reasons import UNTOLD

COMMAND = "bench/run_engines.sh all"
ACCURACY = {
    "network": "network",
    "way": "run by",
    "map50": "mAP50",
    "map50_95": "mAP50:95",
    "iou_drivable": "IoU drivable",
    "iou_lane": "IoU lane",
    "pseudo_map50": "pseudo-mAP50",
    "pixel_agreement": "same class at, % of pixels",
}
ENGINES = {
    "network": "network",
    "precision": "precision",
    "plan_mb": "plan, MB",
    "of_fp32": "of FP32",
    "device_mib": "scratch of a context, MiB",
    "build_s": "build, s",
    "level": "optimisation level",
    "profile": "batch min / opt / max",
    "note": "",
}
REGIONS = {
    "network": "network",
    "region": "region",
    "planned": "planned",
    "int8": "INT8 layers",
    "fp16": "FP16 layers",
    "fp32": "FP32 layers",
    "other": "other layers",
    "copies": "copies",
}
HOT = {
    "precision_plan": "engine",
    "region": "region",
    "precision": "layers in",
    "layers": "layers",
    "p50_ms": "time, ms",
    "share": "share",
}
REAL = {"way": "run by", "objects": "objects that FP32 finds", "found": "of these found", "best_score": "best score"}


def merge(folders: list[Path], results: Path | None) -> None:
    """Write engines.json; what was not measured has no table.

    Args:
        folders: Of parts; a later folder's part replaces an earlier one's.
        results: Where. Default: docs/results.
    """
    parts = read_parts(folders)
    tables: dict[str, ResultTable] = {}
    for name, table in _tables(parts):
        tables[name] = table
        for text in table.goals:
            say(f"{name}: {text}")
    some = next(iter(parts.values()))
    machine: dict[str, str] = dict(some["machine"])
    for part in parts.values():
        machine.update({key: part["identity"][key] for key in IDENTITY[:3] if key in part["identity"]})
        if "torch" in part:
            machine["torch"] = part["torch"]
    path = ResultFile(
        name="engines",
        question="Accuracy, speed and memory of engines: FP32, FP16, INT8 backbone with FP16 head, INT8 everywhere.",
        command=COMMAND,
        tables=tables,
        date=max(part["date"] for part in parts.values()),
        commit=some["identity"]["commit"],
        machine=machine,
    ).write(results or RESULTS)
    say(f"written: {path}")


def _tables(parts: Mapping[str, Part]) -> Iterator[tuple[str, ResultTable]]:
    accuracy = [parts[name] for name in ("accuracy_demo", "accuracy_nano") if name in parts]
    if accuracy:
        yield "accuracy", _accuracy(accuracy)
    if "real_images" in parts:
        yield "real_images", _real_images(parts["real_images"])
    speed = [row for name, part in parts.items() if name.startswith("speed_") for row in _speed_rows(part)]
    speed += [{**row, "network": TITLES[row["network"]]} for row in parts.get("torch", {}).get("rows", [])]
    if speed:
        yield "speed", speed_table(speed)
        yield "latency", ResultTable(question=SPEED_QUESTION, columns=LATENCY, rows=sorted(speed, key=speed_order))
    builds = [part for name, part in parts.items() if name.startswith("build_")]
    if builds:
        rows = list(_engine_rows([part["row"] for part in builds]))
        jobs = max(part["jobs"] for part in builds)
        yield (
            "engines",
            ResultTable(
                question=f"What was built, up to {jobs} engines at once; what was refused, and why.",
                columns=ENGINES,
                rows=rows,
                goals=list(_memory_goals(rows)),
            ),
        )
    if "layers" in parts:
        yield "layers", _layers(parts["layers"])
        if any(row["hot"] for row in parts["layers"]["rows"]):
            yield "hot_spots", _hot_spots(parts["layers"])


def _accuracy(parts: list[Part]) -> ResultTable:
    rows: list[Row] = []
    for part in parts:
        network = TITLES[part["network"]]
        reference = part["rows"][0]
        row: Row = {"network": network, "way": "ONNX Runtime FP32", "pseudo_map50": 1.0, "pixel_agreement": 100.0}
        row.update({key.removeprefix("reference_"): value for key, value in reference.items()
                    if key.startswith("reference_")})  # fmt: skip
        rows.append(row)
        rows += [{**found, "network": network} for found in part["rows"] if found["way"] != AGAINST_STRONG]
    for row in rows:
        if "pixel_agreement" in row and row["pixel_agreement"] <= 1.0:
            row["pixel_agreement"] *= 100
    images = parts[0]["rows"][0]["images"]
    return ResultTable(
        question=f"Accuracy on {images} pictures of held-out synthetic drives, all of them the same; "
        "pseudo-mAP50 takes for true what FP32 finds at a score of 0.35 or more.",
        columns=ACCURACY,
        rows=rows,
        goals=[text for part in parts for text in _accuracy_goals(part)],
    )


def _accuracy_goals(part: Part) -> Iterator[str]:
    network = TITLES[part["network"]]
    by_way = {row["way"]: row for row in part["rows"]}
    for way, allowed in (("TensorRT FP16", 0.1), (SPLIT, 0.5)):
        row = by_way.get(way)
        for key, title in (("map50", "mAP50"), ("map50_95", "mAP50:95"), ("miou", "mean IoU")):
            if row is not None and row.get(key) is not None:
                loss = 100 * (row[f"reference_{key}"] - row[key])
                what = f"{network}, {way}: at most {allowed} points of {title} lost"
                yield goal(what, f"{loss:.2f}", loss <= allowed)
    strong = by_way.get(AGAINST_STRONG)
    if strong is not None:
        value = strong["pseudo_map50"] or 0.0
        what = f"{network}: split and strong graph agree, pseudo-mAP50 at least 0.99"
        yield goal(what, f"{value:.4f}", value >= 0.99)
    everywhere = by_way.get("TensorRT INT8 everywhere")
    if everywhere is not None and everywhere.get("map50") is not None:
        loss = 100 * (everywhere["reference_map50"] - everywhere["map50"])
        yield f"{network}: INT8 everywhere costs {loss:.2f} points of mAP50"


def _real_images(part: Part) -> ResultTable:
    goals = [
        goal(f"{row['way']} finds all of them", f"{row['found']} of {row['objects']}", row["found"] == row["objects"])
        for row in part["rows"]
        if row["way"] in (SPLIT, STRONG)
    ]
    return ResultTable(
        question=f"YOLOX-nano, calibrated on the synthetic drive, on {part['images']} real images: what FP32 finds at "
        f"{part['score']:g} or more is found at {part['found_score']:g} or more, IoU at least {part['iou']:g}.",
        columns=REAL,
        rows=part["rows"],
        goals=goals,
    )


def _speed_rows(part: Part) -> list[Row]:
    return [{**row, "network": TITLES[part["network"]]} for row in part["rows"]]


def _engine_rows(facts: list[Row]) -> Iterator[Row]:
    facts = sorted(facts, key=lambda row: (list(TITLES).index(row["network"]), list(PLANS).index(row["precision"])))
    built = [row for row in facts if not row["failure"]]
    whole = {row["network"]: row["plan_mb"] for row in built if row["precision"] == "fp32"}
    for row in facts:
        fp32 = whole.get(row["network"])
        yield {
            **row,
            "network": TITLES[row["network"]],
            "of_fp32": row["plan_mb"] / fp32 if fp32 and not row["failure"] else "",
            "profile": " / ".join(map(str, row["batch"])) or "1",
            "note": f"not built: {row['failure'][:200]}" if row["failure"] else "",
        }


def _memory_goals(rows: list[Row]) -> Iterator[str]:
    for row in rows:
        if row["precision"] == "split" and row["of_fp32"] != "":
            what = f"{row['network']}: plan of the split at most 0.4x that of FP32"
            yield goal(what, f"{row['of_fp32']:.2f}x", row["of_fp32"] <= 0.4)


def _layers(part: Part) -> ResultTable:
    rows: list[Row] = []
    goals = []
    for found in part["rows"]:
        if found["precision"] != "split":
            continue
        network = TITLES[found["network"]]
        for region in found["regions"]:
            layers = dict(region["layers"])
            known = {key: layers.pop(key, 0) for key in ("int8", "fp16", "fp32")}
            other = ", ".join(f"{count} {name}" for name, count in layers.items()) or "0"
            rows.append({"network": network, **region, **known, "other": other})
        left = "; ".join(f"{name}: {what}" for name, what in found["unexplained"].items())
        what = f"{network}: no Q/DQ or reformat inside the INT8 regions left unexplained"
        untold = sum(UNTOLD in why or "unknown" in why for why in found["copies"].values())
        got = left or f"none of {len(found['copies']) - untold} copies"
        more = f" (of {untold} more TensorRT does not tell the forms)" if untold else ""
        goals.append(goal(what, got + more, not left))
    return ResultTable(
        question="Layers of the split by region and precision, as TensorRT's inspector tells them.",
        columns=REGIONS,
        rows=rows,
        goals=goals,
    )


def _hot_spots(part: Part) -> ResultTable:
    rows = [{**hot, "precision_plan": row["precision"]} for row in part["rows"] for hot in row["hot"]]
    sums = {row["precision"]: sum(hot["p50_ms"] for hot in row["hot"]) for row in part["rows"] if row["hot"]}
    told = [f"{name}: {value:.2f} ms, layers one by one" for name, value in sums.items()]
    return ResultTable(
        question=f"Where FP16 and the split spend their time: {TITLES[part['profiled']]}, batch {part['batch']}, "
        "by TensorRT's profiler.",
        columns=HOT,
        rows=rows,
        goals=told,
    )
