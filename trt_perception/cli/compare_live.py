"""`trt-perception compare-live`: the live node's recorded results against an offline run of the same bag."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from trt_perception.cli.live_arguments import add_live_arguments, comparison_text, tolerance_of
from trt_perception.errors import InputError

if TYPE_CHECKING:
    from trt_perception.validate.live_topic import LiveTopic

NAME = "compare-live"
SUMMARY = "compare recorded results of the live node with an offline run of the same bag, frame by frame"
EXAMPLE = "trt-perception compare-live live/ --offline runs/monday --drop-log drops.jsonl"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("recording", type=Path, help="a bag with what the node published")
    add_live_arguments(parser)
    parser.add_argument("--drop-log", type=Path, metavar="FILE", help="what the node dropped: its parameter drop_log")
    parser.add_argument(
        "--ledger", type=Path, metavar="FILE", help="what was sent: `trt-perception play --ledger`; the rest is excused"
    )
    parser.add_argument(
        "--config",
        type=Path,
        help="the node's config, where cameras, topics or labels are named otherwise than offline",
    )
    parser.add_argument("--namespace", default="/", help="ROS namespace of the node's topics (default: /)")


def run(arguments: argparse.Namespace) -> int:
    """Compare and print.

    Raises:
        GateError: They do not agree.
    """
    from trt_perception.validate.compare_live import compare_live
    from trt_perception.validate.live_drops import LiveDrops, read_played

    comparison = compare_live(
        arguments.recording,
        arguments.offline,
        topics=_topics(arguments),
        drops=LiveDrops.read(arguments.drop_log) if arguments.drop_log else None,
        played=read_played(arguments.ledger) if arguments.ledger else None,
        cameras=arguments.camera,
        tolerance=tolerance_of(arguments),
    )
    if arguments.json:
        print(json.dumps(comparison.to_plain(), indent=1, ensure_ascii=False))
    else:
        print(comparison_text(comparison))
    comparison.require()
    return 0


def _topics(arguments: argparse.Namespace) -> tuple[LiveTopic, ...]:
    from trt_perception.validate.live_topic import live_topics
    from trt_perception.validate.run_folder import RunFolder

    header = RunFolder(arguments.offline).header()
    if arguments.config is None:
        return live_topics(header, namespace=arguments.namespace)
    from trt_perception.ros.live_topics import config_topics
    from trt_perception.settings.load_settings import load_settings

    topics = config_topics(load_settings(arguments.config), header, namespace=arguments.namespace)
    if not {topic.camera for topic in topics} >= set(arguments.camera):
        raise InputError(f"{arguments.config}: has no camera {', '.join(arguments.camera)} of the offline run")
    return topics
