"""`trt-perception demo`: a drive through DDS, the node and back, with pictures and a report at the end."""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from trt_perception.cli.table import render_table
from trt_perception.errors import InputError, MissingError
from trt_perception.runtime.backend import BackendKind

if TYPE_CHECKING:
    from trt_perception.cli.demo_run import DemoRun
    from trt_perception.cli.demo_source import DemoSource
    from trt_perception.demo.run_report import RunReport

NAME = "demo"
SUMMARY = "play a drive over DDS, run the node on it, and show what it found"
EXAMPLE = "trt-perception demo --model yolox_nano.yaml --images pictures/"

MARKER = ".trt_perception_demo"
"""A file that says the folder is a demo's output and may be replaced."""

PUBLISHED_SCORE = 0.05
"""Lowest score that the node publishes in a demo: average precision is about the whole curve."""

SHIPPED_MODEL = Path(__file__).resolve().parent.parent / "demo" / "model" / "demo_model.onnx"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("--model", type=Path, help="the model's YAML, or the ONNX itself (default: the demo's own)")
    parser.add_argument(
        "--images",
        type=Path,
        help="folder of images, one a camera or one subfolder a camera (default: a synthetic drive is drawn)",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("demo/out"), help="folder for what it makes (default: demo/out)"
    )
    parser.add_argument("--seconds", type=float, default=20.0, help="length of the drive (default: 20)")
    parser.add_argument("--rate-hz", type=float, default=4.0, help="images a second and camera (default: 4)")
    parser.add_argument("--cameras", type=int, default=6, help="cameras of the drive, 1 to 8 (default: 6)")
    parser.add_argument("--seed", type=int, default=9500, help="seed of the drive (default: 9500)")
    parser.add_argument("--condition", default="cycle", help="day, dusk, night, rain, fog, glare, or cycle (default)")
    parser.add_argument(
        "--score", type=float, default=0.3, help="lowest score that is drawn and counted (default: 0.3)"
    )
    parser.add_argument(
        "--backend",
        choices=[kind.value for kind in BackendKind if kind is not BackendKind.AUTO],
        default=BackendKind.ONNXRUNTIME.value,
        help="what runs the model (default: onnxruntime)",
    )
    parser.add_argument(
        "--prepare-only",
        action="store_true",
        help="stop when the drive, the model's YAML and the node's config are there, for demo.launch.py",
    )


def run(arguments: argparse.Namespace) -> int:
    """Make the drive, play it, record, draw, report."""
    model = _model(arguments)
    from trt_perception.cli.demo_pictures import DemoPictures
    from trt_perception.cli.demo_recording import write_recording
    from trt_perception.cli.demo_run import run_demo
    from trt_perception.model.load_spec import load_spec
    from trt_perception.model.write_spec import write_spec

    spec = load_spec(model)
    out = _fresh_folder(arguments.out.absolute())
    write_spec(spec, out / "model.yaml")
    source = _source(arguments, out)
    config = _write_config(out / "perception.yaml", source, arguments)
    if arguments.prepare_only:
        print(config, source.play_arguments[0], sep="\n")
        return 0
    print(f"playing {source.description} through the node", flush=True)
    demo_run = run_demo(config, source, spec, out / "log")
    write_recording(demo_run, out / "detections")
    print("drawing what it found", flush=True)
    pictures = DemoPictures(demo_run, score=arguments.score)
    pictures.write_sheet(out / "contact_sheet.jpg")
    pictures.write_video(out / "video.mp4")
    report = _report(demo_run, arguments)
    _show(report, out)
    return 0


def _model(arguments: argparse.Namespace) -> Path:
    if arguments.model is not None:
        return Path(arguments.model)
    if not SHIPPED_MODEL.is_file():
        raise MissingError(
            "the demo's own model is not installed", "give one: make demo MODEL=model.onnx IMAGES=folder"
        )
    return SHIPPED_MODEL


def _source(arguments: argparse.Namespace, out: Path) -> DemoSource:
    if arguments.images is None:
        from trt_perception.cli.drive_demo import DriveDemo
        from trt_perception.demo.drive_options import DriveOptions

        options = DriveOptions(
            seed=arguments.seed,
            cameras=arguments.cameras,
            duration_s=arguments.seconds,
            rate_hz=arguments.rate_hz,
            condition=arguments.condition,
        )
        return DriveDemo(out / "drive", options)
    from trt_perception.cli.image_folder_demo import ImageFolderDemo
    from trt_perception.ros.image_folder_source import ImageFolderSource

    return ImageFolderDemo(
        ImageFolderSource(folder=arguments.images, rate_hz=arguments.rate_hz, seconds=arguments.seconds)
    )


def _fresh_folder(out: Path) -> Path:
    """An empty folder; one that an earlier demo made is replaced, any other is left alone."""
    if out.exists():
        if not (out / MARKER).is_file():
            raise InputError(f"{out}: expected a folder that a demo made, or none; give another --out")
        shutil.rmtree(out)
    try:
        out.mkdir(parents=True)
        (out / MARKER).touch()
    except OSError as error:
        raise InputError(f"{out}: cannot be made: {error.strerror}; give another --out") from error
    return out


def _write_config(path: Path, source: DemoSource, arguments: argparse.Namespace) -> Path:
    config = {
        "backend": arguments.backend,
        "cameras": [
            {"name": camera, "transport": "compressed", "topic": source.topic(camera)} for camera in source.cameras
        ],
        "models": [{"name": "model", "spec": "model.yaml"}],
        "pipelines": [{"name": "perception", "model": "model", "score_threshold": PUBLISHED_SCORE, "always_on": True}],
    }
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return path


def _report(demo_run: DemoRun, arguments: argparse.Namespace) -> RunReport:
    from trt_perception.cli.demo_accuracy import measure_accuracy
    from trt_perception.demo.camera_report import report_camera
    from trt_perception.demo.ignore_rule import IgnoreRule
    from trt_perception.demo.run_report import RunReport

    cameras = [
        report_camera(
            camera,
            sent_ns=demo_run.sent[camera],
            answered_ns={stamp: answer.received_ns for stamp, answer in demo_run.results[camera].items()},
            drops=demo_run.drops.get(camera, {}),
        )
        for camera in demo_run.source.cameras
    ]
    return RunReport(
        model=demo_run.spec.name,
        backend=arguments.backend,
        source=demo_run.source.description,
        cameras=cameras,
        objects=demo_run.count_objects(arguments.score),
        accuracy=measure_accuracy(demo_run),
        ignore_rule=IgnoreRule().sentence,
    )


def _show(report: RunReport, out: Path) -> None:
    """Write the report's files; print the tables and where everything is."""
    from trt_perception.demo.report_page import write_report_page

    report.write_json(out / "report.json")
    write_report_page(
        out / "report.html",
        report,
        {
            "One instant, every camera: boxes with label and score, masks tinted": (
                out / "contact_sheet.jpg"
            ).read_bytes()
        },
    )
    header = ("camera", "sent", "answered", "dropped", "never received", "fps", "delay p50 ms", "delay p99 ms")
    rows = [
        (c.camera, c.sent, c.answered, sum(c.dropped.values()), c.never_received, c.fps, c.delay_p50_ms, c.delay_p99_ms)
        for c in report.cameras
    ]
    print(render_table(header, [["-" if cell is None else cell for cell in row] for row in rows]))
    print("objects: " + (", ".join(f"{count} {label}" for label, count in report.objects.items()) or "none"))
    if report.accuracy is not None:
        print(_accuracy_line(report.accuracy.processed.map50, report.accuracy.all_frames.map50, report.accuracy.iou))
    for name in ("detections/detections.mcap", "contact_sheet.jpg", "video.mp4", "report.json", "report.html"):
        print(os.path.relpath(out / name))


def _accuracy_line(answered: float | None, everything: float | None, iou: Mapping[str, float | None]) -> str:
    texts = [f"mAP50 {_percent(answered)} over answered frames, {_percent(everything)} with dropped frames as misses"]
    texts += [f"{name} IoU {_percent(value)}" for name, value in iou.items()]
    return "; ".join(texts)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"
