"""Runs one soak: the node, its cameras, its faults; then closes the ledger."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from helpers.node_process import NodeProcess
from helpers.ros_probe import RosProbe
from helpers.tiny_onnx import make_yolox_onnx

from bench.soak.account import Account
from bench.soak.answers import Answers
from bench.soak.camera import SoakCamera
from bench.soak.episode import Episode
from bench.soak.picture import PictureMaker
from bench.soak.process_sample import ProcessSample
from bench.soak.schedule import PLANS, schedule
from bench.soak.sender_faults import DROP_LOG_START, TIMEOUT_S
from bench.soak.soak_options import SoakOptions
from bench.soak.status_watch import CameraState, StatusWatch
from trt_perception.model.load_spec import load_spec
from trt_perception.runtime.onnxruntime_backend import OnnxRuntimeBackend
from trt_perception.runtime.pipeline import Pipeline
from trt_perception.thresholds import Thresholds

THRESHOLDS = Thresholds(score=0.0, max_detections=5)
PROGRAM = "import sys; from bench.soak import faulty_node; sys.exit(faulty_node.run())"
TAIL_S = 120.0
"""Longest that a camera takes after the end, for the fault that it is at."""


@dataclass(frozen=True, kw_only=True)
class SoakOutcome:
    """What a soak came to.

    Args:
        options: What was asked for.
        accounts: The ledger of each camera.
        episodes: Every fault that was played, in order of time.
        samples: The node's memory and files.
        longest_silence_s: Longest time between two diagnostics.
        log_lost: Drops that the drop log lost, as the node counts them.
        exit_code: Of the node, after SIGINT.
        errors: What went wrong with the soak itself, or with the node.
    """

    options: SoakOptions
    accounts: Sequence[Account]
    episodes: Sequence[Episode]
    samples: Sequence[ProcessSample]
    longest_silence_s: float
    log_lost: int
    exit_code: int
    errors: Sequence[str]

    def problems(self) -> Iterator[str]:
        """Everything that should not be: errors, a ledger that does not close, faults that were not seen in time."""
        yield from self.errors
        yield from self.ledger_problems()
        for episode in self.episodes:
            if not (episode.was_seen and episode.is_over):
                what = "not over" if episode.was_seen else "not seen"
                yield f"{episode.camera} at {episode.at_s:.1f} s: {episode.fault}: {what} in time: {episode.times}"
        if self.exit_code != 0:
            yield f"the node ended with code {self.exit_code}"

    def ledger_problems(self) -> Iterator[str]:
        """Every way in which the ledger does not close."""
        for account in self.accounts:
            yield from account.problems()
        unlogged = sum(account.unlogged for account in self.accounts)
        if unlogged != self.log_lost:
            yield f"{unlogged} drops are not in the drop log, which says that it lost {self.log_lost}"


def run_soak(options: SoakOptions, folder: Path, *, say: Callable[[str], object] = lambda line: None) -> SoakOutcome:
    """Run it; ROS's environment is that of the process.

    Args:
        options: What is done.
        folder: For config, model, logs.
        say: Takes a line a minute.
    """
    model = make_yolox_onnx(folder / "boxes.onnx", size=64)
    drop_log = folder / "drops.jsonl"
    with open(drop_log, "wb") as file:
        file.truncate(DROP_LOG_START)
    spec = load_spec(model)
    with (
        Pipeline(spec, OnnxRuntimeBackend(spec, threads=1), thresholds=THRESHOLDS) as pipeline,
        NodeProcess(
            folder / "log", program=PROGRAM, config=_config(folder, model), autostart=True, drop_log=drop_log
        ) as node,
        RosProbe() as probe,
    ):
        watch = StatusWatch(probe.node)
        answers = {plan.name: Answers(probe.node, plan.name) for plan in PLANS}
        node.wait_for("active")
        cameras = [
            SoakCamera(
                plan,
                options,
                context=probe.context,
                answers=answers[plan.name],
                watch=watch,
                maker=PictureMaker(pipeline, compressed=plan.compressed),
                faults=schedule(plan, options),
                random=Random(f"{options.seed} {plan.name}"),
                node_pid=node.process.pid,
            )
            for plan in PLANS
        ]
        samples: list[ProcessSample] = []
        began = time.monotonic()
        for camera in cameras:
            camera.start()
        errors = _watch_over(cameras, node, samples, began=began, options=options, say=say)
        states = {plan.name: _settled(watch, plan.name) for plan in PLANS}
        log_lost = watch.next("node").count("drop_log_lost")
        exit_code = node.stop()[0]
        errors += ["the node's log has an unexpected traceback"] * _has_stranger(node.text)
    drops = _read_drops(drop_log)
    return SoakOutcome(
        options=options,
        accounts=[
            Account(
                camera=camera.plan.name,
                sent=camera.sent,
                foreign=frozenset(camera.foreign),
                answers=answers[camera.plan.name].got,
                strange=answers[camera.plan.name].strange,
                unnoticed=camera.unnoticed,
                drops=drops.get(camera.plan.name, []),
                state=states[camera.plan.name],
            )
            for camera in cameras
        ],
        episodes=sorted((one for camera in cameras for one in camera.episodes), key=lambda one: one.at_s),
        samples=samples,
        longest_silence_s=watch.longest_silence_s,
        log_lost=log_lost,
        exit_code=exit_code,
        errors=errors,
    )


def _config(folder: Path, model: Path) -> Path:
    path = folder / "perception.yaml"
    cameras = "".join(
        f"  - {{name: {plan.name}, timeout_ms: {TIMEOUT_S * 1000:g}, "
        f"transport: {'compressed' if plan.compressed else 'raw'}, "
        f"reliability: {'reliable' if plan.reliable else 'best_effort'}}}\n"
        for plan in PLANS
    )
    path.write_text(
        f"backend: onnxruntime\nthreads: 1\ncameras:\n{cameras}models:\n  - {{name: boxes, spec: {model}}}\n"
        f"pipelines:\n  - {{name: detect, model: boxes, score_threshold: {THRESHOLDS.score}, "
        f"max_detections: {THRESHOLDS.max_detections}}}\n"
    )
    return path


def _watch_over(
    cameras: Sequence[SoakCamera],
    node: NodeProcess,
    samples: list[ProcessSample],
    *,
    began: float,
    options: SoakOptions,
    say: Callable[[str], object],
) -> list[str]:
    """Take samples until all cameras have ended; what went wrong."""
    due_s, minutes = 0.0, 0
    while any(camera.is_alive() for camera in cameras):
        at_s = time.monotonic() - began
        if node.process.poll() is not None:
            return [f"the node ended after {at_s:.0f} s:\n{node.text[-4000:]}"]
        if at_s > options.seconds + TAIL_S:
            return [f"camera {camera.plan.name} does not end" for camera in cameras if camera.is_alive()]
        if at_s >= due_s:
            samples.append(ProcessSample.of(node.process.pid, at_s))
            due_s += options.sample_s
        if at_s >= (minutes + 1) * 60.0:
            minutes += 1
            say(_progress(cameras, samples[-1]))
        time.sleep(0.2)
    return [
        f"camera {camera.plan.name}: {type(camera.error).__name__}: {camera.error}"
        for camera in cameras
        if camera.error is not None
    ]


def _progress(cameras: Sequence[SoakCamera], sample: ProcessSample) -> str:
    played = [episode for camera in cameras for episode in camera.episodes]
    missed = [f"{one.fault} ({one.times})" for one in played if not (one.was_seen and one.is_over)]
    return (
        f"{sample.at_s / 60:.0f} min: {len(played)} faults, {sum(len(camera.sent) for camera in cameras)} sent, "
        f"{sample.private_mb:.1f} MB, {sample.files} files, {sample.cpu_s:.0f} s; missed: {missed or 'none'}"
    )


def _settled(watch: StatusWatch, camera: str) -> CameraState:
    """The counters once they stand still."""
    before = watch.next(camera)
    while (now := watch.next(camera)).values["received"] != before.values["received"]:
        before = now
    return now


def _read_drops(path: Path) -> Mapping[str, list[tuple[int | None, str]]]:
    """The drop log behind its hole, by camera. A line that a full disk cut off counts as lost there and here."""
    drops: dict[str, list[tuple[int | None, str]]] = {}
    with open(path, "rb") as file:
        file.seek(DROP_LOG_START)
        for line in file:
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if "camera" in entry:
                drops.setdefault(entry["camera"], []).append((entry["stamp_ns"], entry["reason"]))
    return drops


def _has_stranger(log: str) -> bool:
    """Whether there is a traceback that no fault of the soak made."""
    return log.count("Traceback") > log.count("the soak says so")
