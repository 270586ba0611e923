"""`trt-perception validate`: bags through the pipeline, against ground truth, gates and an earlier run."""

from __future__ import annotations

import argparse
import functools
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from trt_perception.cli.model_arguments import add_model_arguments, make_pipeline
from trt_perception.cli.progress import progress_bar
from trt_perception.cli.set_arguments import add_set_arguments, pairing_of, sets_of
from trt_perception.cli.table import render_table
from trt_perception.errors import InputError

if TYPE_CHECKING:
    from trt_perception.validate.judge_run import Verdict
    from trt_perception.validate.validation_metrics import DetectionGroup, ValidationMetrics
    from trt_perception.validate.validation_options import ValidationOptions

NAME = "validate"
SUMMARY = "run every frame of bags and measure the results against ground truth, gates and an earlier run"
EXAMPLE = "trt-perception validate drives/monday --model model.engine --out monday --baseline fp32"

INTERRUPTED = 130


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("bags", type=Path, nargs="*", metavar="BAG", help="rosbag2 bags: folders, .mcap or .db3 files")
    parser.add_argument("--model", type=Path, help="the model's YAML, the ONNX itself, or an engine")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FOLDER", help="where the results go; with --compare, the HTML page"
    )
    parser.add_argument(
        "--camera", action="append", default=[], help="run this camera alone (may be given several times)"
    )
    parser.add_argument(
        "--truth",
        default="auto",
        metavar="{auto,none,COCO.json,BAG}",
        help="ground truth: the bags' own topics (auto, the default), none, a COCO file or another bag",
    )
    parser.add_argument(
        "--baseline", type=Path, metavar="FOLDER", help="an earlier run (its folder, or the metrics.json in it)"
    )
    parser.add_argument(
        "--gates", type=Path, metavar="YAML", help="what must hold, else the exit code is 1 (default: the package's)"
    )
    parser.add_argument("--no-report", action="store_true", help="write the figures alone: no report, no gates")
    parser.add_argument(
        "--floor", type=float, default=None, help="lowest score that average precision looks at (default: 0.05)"
    )
    parser.add_argument(
        "--processes", type=int, help="processes that run frames (default: 1; with --cluster: what there is room for)"
    )
    parser.add_argument(
        "--cluster",
        nargs="?",
        const="local",
        metavar="ADDRESS",
        help="run on Ray: local (the default), auto (the cluster of this machine) or HOST:PORT",
    )
    parser.add_argument(
        "--tasks-per-gpu", type=int, metavar="N", help="with --cluster: tasks that share a GPU (default: 1)"
    )
    parser.add_argument(
        "--coco", action="store_true", help="write coco_truth.json and coco_detections.json for other tools, too"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier run, finished or not")
    parser.add_argument("--merge", type=Path, nargs="+", metavar="FOLDER", help="put finished runs of bags into one")
    parser.add_argument(
        "--compare", type=Path, nargs="+", metavar="JSON", help="one page of several runs' report.json side by side"
    )
    parser.add_argument("--json", action="store_true", help="print metrics.json")
    add_set_arguments(parser)
    add_model_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Validate or merge, print, and judge.

    Raises:
        GateError: A gate did not hold.
    """
    if arguments.compare:
        return _compare(arguments)
    if not arguments.no_report:
        _check_judging(arguments)
    try:
        metrics = _merge(arguments) if arguments.merge else _validate(arguments)
    except KeyboardInterrupt:
        print(
            f"trt-perception validate: interrupted; what is done is kept in {arguments.out}, the same command goes on",
            file=sys.stderr,
        )
        return INTERRUPTED
    verdict = None if arguments.no_report else _judge(arguments)
    if arguments.json:
        print(json.dumps(metrics.to_plain(), indent=2, ensure_ascii=False))
    else:
        lines = verdict.lines if verdict else (f"written: {arguments.out}",)
        print("\n".join([*_tables(metrics), *lines]))
    if verdict:
        verdict.require(arguments.out)
    return 0


def _judge(arguments: argparse.Namespace) -> Verdict:
    from trt_perception.validate.judge_run import judge_run

    return judge_run(arguments.out, bags=arguments.bags, baseline=_baseline(arguments), gates=arguments.gates)


def _check_judging(arguments: argparse.Namespace) -> None:
    from trt_perception.validate.judge_run import check_judging

    check_judging(baseline=_baseline(arguments), gates=arguments.gates)


def _baseline(arguments: argparse.Namespace) -> Path | None:
    baseline: Path | None = arguments.baseline
    return baseline.parent if baseline is not None and baseline.is_file() else baseline


def _compare(arguments: argparse.Namespace) -> int:
    from trt_perception.validate.compare_runs import write_comparison

    if arguments.bags or arguments.model or arguments.merge:
        raise InputError("validate: --compare takes the report.json of finished runs; give nothing else but --out")
    write_comparison(arguments.compare, arguments.out, overwrite=arguments.overwrite)
    print(f"written: {arguments.out}")
    return 0


def _validate(arguments: argparse.Namespace) -> ValidationMetrics:
    from trt_perception.validate.validate_run import validate_run

    if not arguments.bags or arguments.model is None:
        raise InputError("validate: expected bags and --model; see --help")
    options = _options(arguments)
    if options.cluster:  # workers have other working folders
        arguments.model = arguments.model.resolve()
        arguments.engine = arguments.engine and arguments.engine.resolve()
        arguments.public_key = arguments.public_key and arguments.public_key.resolve()
    with progress_bar("validating", total=0, unit="frame") as bar:

        def progress(done: int, total: int) -> None:
            if bar.total != total:
                bar.total, bar.initial = total, done  # frames of an earlier run count as done, not as speed
                bar.reset(total)
                bar.n = bar.initial = done
            bar.update(done - bar.n)

        return validate_run(
            arguments.bags,
            functools.partial(make_pipeline, arguments.model, arguments),
            arguments.out,
            options=options,
            progress=progress,
        )


def _options(arguments: argparse.Namespace) -> ValidationOptions:
    from trt_perception.validate.cluster_options import ClusterOptions
    from trt_perception.validate.validation_options import FLOOR, ValidationOptions

    word, cluster, processes = arguments.truth, None, arguments.processes
    if arguments.cluster is not None:
        tasks = 1 if arguments.tasks_per_gpu is None else arguments.tasks_per_gpu
        cluster = ClusterOptions(address=arguments.cluster, workers=processes, tasks_per_gpu=tasks)
    elif arguments.tasks_per_gpu is not None:
        raise InputError("validate: --tasks-per-gpu is for --cluster; give both, or --processes")
    return ValidationOptions(
        cameras=tuple(arguments.camera),
        sets=sets_of(arguments),
        pairing=pairing_of(arguments),
        truth=None if word in ("auto", "none") else Path(word),
        own_truth=word == "auto",
        score=arguments.score,
        floor=FLOOR if arguments.floor is None else arguments.floor,
        nms_iou=arguments.nms_iou,
        processes=1 if processes is None else processes,
        cluster=cluster,
        overwrite=arguments.overwrite,
        coco=arguments.coco,
    )


def _merge(arguments: argparse.Namespace) -> ValidationMetrics:
    from trt_perception.validate.merge_runs import merge_runs

    if arguments.bags or arguments.model:
        raise InputError("validate: --merge takes folders of finished runs; give no bags and no --model with it")
    return merge_runs(arguments.merge, arguments.out, overwrite=arguments.overwrite)


def _tables(metrics: ValidationMetrics) -> list[str]:
    ledger = metrics.ledger
    rows = [
        (
            camera.bag,
            camera.camera,
            camera.frames,
            camera.processed,
            ", ".join(f"{reason} {count}" for reason, count in camera.skipped.items()) or "-",
            camera.with_truth,
        )
        for camera in ledger.cameras
    ]
    lines = [
        f"{metrics.model.name} on {metrics.model.backend}",
        *([f"sets: {metrics.pairing}"] if metrics.pairing else []),
        render_table(("bag", "camera", "frames", "processed", "skipped", "with truth"), rows),
        "",
    ]
    for name, head in metrics.detection.items():
        groups = {"all": head.all, **head.by_camera, **head.by_condition}
        header = (name, "frames", "objects", "found", "missed", "false", "mAP50", "mAP50:95")
        lines += [render_table(header, [_group_row(word, group) for word, group in groups.items()]), ""]
    for name, masks in metrics.masks.items():
        iou = ", ".join(f"{label} {_number(value)}" for label, value in masks.all.iou.items())
        lines += [f"{name}: mIoU {_number(masks.all.miou)} over {masks.all.images} frames ({iou})", ""]
    return lines


def _group_row(word: str, group: DetectionGroup) -> tuple[object, ...]:
    counts = (group.frames, group.objects, group.found, group.missed, group.false_alarms)
    return (word, *counts, _number(group.map50), _number(group.map50_95))


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
