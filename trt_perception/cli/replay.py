"""`trt-perception replay`: a bag to the live node, and its results against an offline run of the same bag."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trt_perception.cli.live_arguments import add_live_arguments, comparison_text, tolerance_of
from trt_perception.errors import ConfigError, InputError, MissingError
from trt_perception.options.write_atomically import write_atomically
from trt_perception.runtime.backend import BackendKind

if TYPE_CHECKING:
    from trt_perception.settings.perception_settings import PerceptionSettings
    from trt_perception.validate.live_topic import LiveTopic
    from trt_perception.validate.run_header import RunHeader

NAME = "replay"
SUMMARY = "play a bag to the live node, record its results, and compare them with an offline run of the same bag"
EXAMPLE = "trt-perception replay drives/monday --config perception.yaml --offline runs/monday --out live/monday"

RECORDING = "recording"
COMPARISON = "comparison.json"
DROP_LOG = "drops.jsonl"

DISCOVERY_S = 1.0
"""Between the node's subscription and the first image, so that the node finds the recorder, too."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("bag", type=Path, help="the bag")
    parser.add_argument("--config", type=Path, required=True, help="the node's config (YAML)")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FOLDER", help="where recording, drop log, ledger and logs go"
    )
    add_live_arguments(parser)
    parser.add_argument("--rate", type=float, default=1.0, help="how many times as fast as recorded (default: 1)")
    parser.add_argument(
        "--backend", choices=[kind.value for kind in BackendKind], help="run the models on this instead of the config's"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier replay in that folder")


def run(arguments: argparse.Namespace) -> int:
    """Play, record, compare, print.

    Raises:
        GateError: Live and offline do not agree.
    """
    if not arguments.rate > 0.0:
        raise InputError(f"--rate: expected a number above 0, got {arguments.rate:g}")
    tolerance = tolerance_of(arguments)
    topics = _checked_topics(arguments)
    _make_room(arguments.out, overwrite=arguments.overwrite)
    drop_log, ledger = _record(arguments, topics)

    from trt_perception.validate.compare_live import compare_live
    from trt_perception.validate.live_drops import LiveDrops, read_played

    comparison = compare_live(
        arguments.out / RECORDING,
        arguments.offline,
        topics=topics,
        drops=LiveDrops.read(drop_log),
        played=read_played(ledger),
        cameras=sorted({topic.camera for topic in topics}),
        tolerance=tolerance,
    )
    content = json.dumps(comparison.to_plain(), indent=1, ensure_ascii=False)
    _write(arguments.out / COMPARISON, content)
    print(content if arguments.json else f"{comparison_text(comparison)}\nwritten: {arguments.out}")
    comparison.require()
    return 0


def _checked_topics(arguments: argparse.Namespace) -> Sequence[LiveTopic]:
    """What is compared, once bag, run and config are known to fit."""
    from trt_perception.bag.bag_reader import BagReader
    from trt_perception.ros.live_topics import config_topics
    from trt_perception.settings.load_settings import load_settings
    from trt_perception.validate.run_folder import RunFolder

    settings, header = load_settings(arguments.config), RunFolder(arguments.offline).header()
    reader = BagReader(arguments.bag)
    facts = [(bag.start_ns, bag.end_ns, bag.messages) for bag in header.bags]
    if facts != [(reader.start_ns, reader.end_ns, reader.message_count)]:
        raise InputError(
            f"{arguments.offline}: expected the run of {arguments.bag} and of no other bag; make it with "
            f"`trt-perception validate {arguments.bag} --model MODEL --out RUN`"
        )
    topics = config_topics(settings, header)
    known = {topic.camera for topic in topics}
    wanted = set(arguments.camera or header.bags[0].cameras.keys() - header.partners)
    if missing := sorted(wanted - known):
        raise ConfigError(
            f"{arguments.config}: cameras",
            f"no {', '.join(missing)} of the offline run; the config has {', '.join(sorted(known))}",
            "name with --camera those that are to be compared",
        )
    chosen = [topic for topic in topics if topic.camera in wanted]
    _check_image_topics(settings, header, chosen)
    _check_sets(settings, header, chosen)
    return chosen


def _check_image_topics(settings: PerceptionSettings, header: RunHeader, topics: Sequence[LiveTopic]) -> None:
    """See that the node will listen to what is played: the images that the offline run read."""
    from trt_perception.ros.live_topics import image_topic

    live = {camera.name: image_topic(camera) for camera in settings.cameras}
    for topic in topics:
        offline = header.bags[0].cameras[topic.camera].topic
        if live[topic.live_camera] != offline:
            raise ConfigError(
                f"camera {topic.live_camera}",
                f"it reads {live[topic.live_camera]}, the offline run read {offline}",
                f"set its topic to {offline}, and its transport to fit",
            )


def _check_sets(settings: PerceptionSettings, header: RunHeader, topics: Sequence[LiveTopic]) -> None:
    """See that the node puts the same cameras together as the offline run did, and by the same rule."""
    from trt_perception.ros.live_topics import image_topic

    offline = {cameras[0]: cameras for cameras in header.pairing.sets} if header.pairing else {}
    for camera, live_camera in sorted({(topic.camera, topic.live_camera) for topic in topics}):
        expected = [header.bags[0].cameras[name].topic for name in offline.get(camera, (camera,))]
        plans = [plan for plan in settings.plans if plan.sources[0].name == live_camera]
        same = [plan for plan in plans if [image_topic(source) for source in plan.sources] == expected]
        if not same:
            raise ConfigError(
                f"camera {live_camera}",
                f"expected a set of the cameras of {', '.join(expected)}, as in the offline run, and there is none",
                "name the set in the pipeline's `sets`, or with --set in the offline run",
            )
        if header.pairing and all(plan.settings.pairing != header.pairing.options() for plan in same):
            raise ConfigError(
                f"pipeline {same[0].settings.name}: pairing",
                f"{same[0].settings.pairing} live, {header.pairing.options()} in the offline run",
                "run `trt-perception validate` with the same --tolerance-ms, --incomplete and --deadline-ms",
            )


def _make_room(out: Path, *, overwrite: bool) -> None:
    """Refuse to write over another replay unless asked.

    Raises:
        InputError: One is there, or the folder cannot be made.
    """
    if not overwrite and ((out / COMPARISON).exists() or (out / RECORDING).exists()):
        raise InputError(f"{out}: a replay is there; give another --out, or --overwrite")
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / COMPARISON).unlink(missing_ok=True)
        # The node adds to a drop log that is there; what an unfinished replay dropped is of no use.
        (out / DROP_LOG).unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{out}: cannot be written: {error.strerror or error}; give another --out") from error


def _write(path: Path, content: str) -> None:
    try:
        write_atomically(path, f"{content}\n".encode())
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}; free space") from error


def _record(arguments: argparse.Namespace, topics: Sequence[LiveTopic]) -> tuple[Path, Path]:
    """Run node and player; the drop log and the ledger."""
    try:
        from trt_perception.ros.live_run import LiveRun
        from trt_perception.ros.recorded_run import record_run
    except ImportError as error:
        raise MissingError(f"ROS 2 is not here: {error}", "see `trt-perception doctor --for ros`") from error
    from trt_perception.cdr import DETECTION_ARRAY_TYPE, IMAGE_TYPE
    from trt_perception.validate.run_folder import RunFolder

    header = RunFolder(arguments.offline).header()
    chosen = {topic.camera for topic in topics}
    played = chosen.union(*(found for found in header.pairing.sets if found[0] in chosen) if header.pairing else ())
    images = sorted(header.bags[0].cameras[camera].topic for camera in played)
    play = [str(arguments.bag), "--topics", *images, "--rate", str(arguments.rate), "--delay", str(DISCOVERY_S)]
    live = LiveRun(
        config=arguments.config,
        play=play,
        outputs={topic.live: DETECTION_ARRAY_TYPE if topic.is_detection else IMAGE_TYPE for topic in topics},
        log_folder=arguments.out,
        backend=arguments.backend or "",
        sim_time=True,
    )
    print(f"playing {arguments.bag} at {arguments.rate:g} times its speed", file=sys.stderr)
    count = record_run(live, arguments.out / RECORDING, overwrite=arguments.overwrite)
    print(f"{count} messages recorded", file=sys.stderr)
    return live.drop_log, live.ledger
