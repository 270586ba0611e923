"""`trt-perception demo`: images through DDS, the node and back, with pictures and a report at the end."""

from __future__ import annotations

import argparse
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import yaml

from trt_perception.cli.table import render_table
from trt_perception.detections import Detections
from trt_perception.errors import InputError, MissingError
from trt_perception.runtime.backend import BackendKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from trt_perception.demo.live_results import LiveResult, Results, TopicContent
    from trt_perception.demo.run_report import RunReport
    from trt_perception.model.model_spec import ModelSpec

NAME = "demo"
SUMMARY = "play images over DDS, run the node on them, and show what it found"
EXAMPLE = "trt-perception demo --model yolox_nano.yaml --images pictures/"

MARKER = ".trt_perception_demo"
"""A file that says the folder is a demo's output and may be replaced."""


class DemoSource(Protocol):
    """What is played, and how a frame that was sent is found again."""

    @property
    def cameras(self) -> Sequence[str]:
        """Names of the cameras."""

    @property
    def description(self) -> str:
        """For people."""

    @property
    def play_arguments(self) -> Sequence[str]:
        """Arguments of `trt-perception play`."""

    def topic(self, camera: str) -> str:
        """The camera's image topic."""

    def image(self, camera: str, index: int) -> NDArray[np.uint8]:
        """The camera's frame that was sent as number `index`: uint8 (h, w, 3), BGR."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("--model", type=Path, help="the model's YAML, or the ONNX itself")
    parser.add_argument("--images", type=Path, help="folder of images, one a camera or one subfolder a camera")
    parser.add_argument(
        "--out", type=Path, default=Path("demo/out"), help="folder for what it makes (default: demo/out)"
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="how long to play (default: 10)")
    parser.add_argument("--rate-hz", type=float, default=2.0, help="images a second and camera (default: 2)")
    parser.add_argument("--score", type=float, default=0.3, help="lowest score of a detection (default: 0.3)")
    parser.add_argument(
        "--backend",
        choices=[kind.value for kind in BackendKind],
        default=BackendKind.ONNXRUNTIME.value,
        help="what runs the model (default: onnxruntime)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Play, record, draw, report."""
    _check_inputs(arguments)
    from trt_perception.cli.image_folder_demo import ImageFolderDemo
    from trt_perception.model.load_spec import load_spec
    from trt_perception.model.write_spec import write_spec
    from trt_perception.ros.image_folder_source import ImageFolderSource

    spec = load_spec(arguments.model)
    out = _fresh_folder(arguments.out.absolute())
    write_spec(spec, out / "model.yaml")
    source = ImageFolderDemo(
        ImageFolderSource(folder=arguments.images, rate_hz=arguments.rate_hz, seconds=arguments.seconds)
    )
    config = _write_config(out / "perception.yaml", source, arguments)
    print(f"1/3 running the node on {source.description}", flush=True)
    results, sent, drops = _run_live(config, source, out)
    print("2/3 drawing", flush=True)
    pictures = _draw(source, spec, results, sent, out)
    print("3/3 reporting", flush=True)
    report = _report(source, spec, arguments.backend, results, sent, drops)
    _show(report, pictures, out)
    return 0


def _check_inputs(arguments: argparse.Namespace) -> None:
    if arguments.model is None or arguments.images is None:
        missing = [name for name in ("model", "images") if getattr(arguments, name) is None]
        raise MissingError(
            f"the demo needs {' and '.join(f'--{name}' for name in missing)}",
            "give them: make demo MODEL=model.onnx IMAGES=folder (JPEG or PNG, one file a camera)",
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
        "pipelines": [{"name": "perception", "model": "model", "score_threshold": arguments.score, "always_on": True}],
    }
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return path


def _run_live(
    config: Path, source: DemoSource, out: Path
) -> tuple[Results, Mapping[str, Mapping[int, int]], Mapping[str, Mapping[int, str]]]:
    """Results by camera and stamp, times of sending likewise, drops likewise."""
    try:
        from trt_perception.ros.live_run import LiveRun
    except ImportError as error:
        raise MissingError(f"ROS 2 is not here: {error}", "see `trt-perception doctor --for ros`") from error
    from trt_perception.demo.live_results import collect_results, read_drop_log, read_ledger

    contents = _contents(config)
    kinds = {True: "vision_msgs/msg/Detection2DArray", False: "sensor_msgs/msg/Image"}
    live = LiveRun(
        config=config,
        play=source.play_arguments,
        outputs={topic: kinds[content.is_detection] for topic, content in contents.items()},
        log_folder=out / "log",
    )
    recorded = live.run()
    ledger = read_ledger(live.ledger)
    sent = {camera: ledger.get(source.topic(camera), {}) for camera in source.cameras}
    return collect_results(recorded, contents), sent, read_drop_log(live.drop_log)


def _contents(config: Path) -> dict[str, TopicContent]:
    """What each result topic of a config carries."""
    from trt_perception.demo.live_results import TopicContent
    from trt_perception.model.load_spec import load_spec
    from trt_perception.ros.topics import plan_topics
    from trt_perception.settings.load_settings import load_settings

    settings = load_settings(config)
    specs = {model.name: load_spec(Path(model.spec)) for model in settings.models}
    return {
        topics.result: TopicContent(
            camera=lane.plan.camera.name,
            head=topics.head.name,
            labels=topics.head.labels,
            is_detection=topics.head.kind.is_detection,
        )
        for lane in plan_topics(settings.plans, specs)
        for topics in lane.heads
    }


def _draw(
    source: DemoSource,
    spec: ModelSpec,
    results: Results,
    sent: Mapping[str, Mapping[int, int]],
    out: Path,
) -> dict[str, Path]:
    """One sheet with every camera's last answered frame."""
    import cv2

    from trt_perception.draw.annotate import annotate
    from trt_perception.draw.contact_sheet import contact_sheet
    from trt_perception.result import Result

    images = {}
    for camera in source.cameras:
        answered = [(index, stamp) for index, stamp in enumerate(sent[camera]) if stamp in results[camera]]
        if answered:
            index, stamp = answered[-1]
            images[camera] = annotate(source.image(camera, index), Result(heads=results[camera][stamp].heads), spec)
    if not images:
        return {}
    path = out / "contact_sheet.jpg"
    cv2.imwrite(str(path), contact_sheet(images, columns=3))
    return {"Every camera's last answered frame": path}


def _report(
    source: DemoSource,
    spec: ModelSpec,
    backend: str,
    results: Results,
    sent: Mapping[str, Mapping[int, int]],
    drops: Mapping[str, Mapping[int, str]],
) -> RunReport:
    from trt_perception.demo.camera_report import report_camera
    from trt_perception.demo.run_report import RunReport

    cameras = [
        report_camera(
            camera,
            sent_ns=sent[camera],
            answered_ns={stamp: answer.received_ns for stamp, answer in results[camera].items()},
            drops=drops.get(camera, {}),
        )
        for camera in source.cameras
    ]
    return RunReport(
        model=spec.name, backend=backend, source=source.description, cameras=cameras, objects=_objects(spec, results)
    )


def _objects(spec: ModelSpec, results: Results) -> dict[str, int]:
    """Detections by label, most frequent first."""
    labels = {head.name: head.labels for head in spec.heads}
    counts: Counter[str] = Counter()
    for answers in results.values():
        for answer in answers.values():
            counts.update(_labels_of(answer, labels))
    return dict(counts.most_common())


def _labels_of(answer: LiveResult, labels: Mapping[str, Sequence[str]]) -> list[str]:
    return [
        labels[name][class_id]
        for name, head in answer.heads.items()
        if isinstance(head, Detections)
        for class_id in head.class_ids.tolist()
    ]


def _show(report: RunReport, pictures: Mapping[str, Path], out: Path) -> None:
    """Write the report's files; print the table and where they are."""
    from trt_perception.demo.report_page import write_report_page

    report.write_json(out / "report.json")
    write_report_page(out / "report.html", report, {caption: path.read_bytes() for caption, path in pictures.items()})
    header = ("camera", "sent", "answered", "dropped", "never received", "fps", "delay p50 ms", "delay p99 ms")
    rows = [
        (c.camera, c.sent, c.answered, sum(c.dropped.values()), c.never_received, c.fps, c.delay_p50_ms, c.delay_p99_ms)
        for c in report.cameras
    ]
    print(render_table(header, [["-" if cell is None else cell for cell in row] for row in rows]))
    print("objects: " + (", ".join(f"{count} {label}" for label, count in report.objects.items()) or "none"))
    for path in (*pictures.values(), out / "report.json", out / "report.html"):
        print(path)
