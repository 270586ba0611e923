"""`trt-perception play`: a bag or a folder of images to topics."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from trt_perception.bag.bag_files import is_bag
from trt_perception.cli.progress import progress_bar
from trt_perception.errors import InputError, MissingError, PerceptionError
from trt_perception.ros.dds_profile import dds_environment

if TYPE_CHECKING:
    from trt_perception.bag.bag_topic import BagMessage
    from trt_perception.ros.sent_message import SentMessage

NAME = "play"
SUMMARY = "play a bag or a folder of images to topics"
EXAMPLE = "trt-perception play pictures/ --rate-hz 10 --seconds 30"


class Source(Protocol):
    """What can be played."""

    @property
    def topics(self) -> Mapping[str, str]:
        """Type by topic."""

    @property
    def count(self) -> int:
        """Messages in all."""

    def messages(self) -> Iterator[BagMessage]:
        """The messages in order of time."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("source", type=Path, help="a bag (folder, .mcap, .db3), or a folder of images")
    parser.add_argument("--rate", type=float, default=1.0, help="how many times as fast as recorded (default: 1)")
    parser.add_argument("--clock", action="store_true", help="publish /clock, for nodes with use_sim_time")
    parser.add_argument("--topics", nargs="+", help="play these topics of a bag only")
    parser.add_argument(
        "--restamp", action="store_true", help="put the time of sending into the headers of a bag's images"
    )
    parser.add_argument(
        "--rate-hz", type=float, default=10.0, help="images a second of a folder's cameras (default: 10)"
    )
    parser.add_argument(
        "--seconds", type=float, default=10.0, help="how long to repeat a folder's images (default: 10)"
    )
    parser.add_argument("--raw", action="store_true", help="send a folder's images raw instead of compressed")
    parser.add_argument("--camera", default="", help="all files of the folder are frames of this camera")
    parser.add_argument("--ledger", type=Path, help="write what was sent, and when, to this file: a JSON object a line")
    parser.add_argument(
        "--wait",
        type=float,
        default=0.0,
        metavar="S",
        help="wait up to S seconds until every image topic is subscribed",
    )
    parser.add_argument(
        "--wait-for",
        nargs="+",
        metavar="TOPIC",
        help="of the image topics, --wait for these alone, as far as they exist",
    )
    parser.add_argument(
        "--delay",
        type=float,
        default=0.0,
        metavar="S",
        help="then wait S seconds before the first message, as subscribers need a moment, too",
    )


def run(arguments: argparse.Namespace) -> int:
    """Play everything once; 130 where a signal ended it early."""
    if not (arguments.rate > 0.0 and arguments.rate_hz > 0.0):
        raise InputError("--rate and --rate-hz: expected a number above 0")
    if arguments.delay < 0.0:
        raise InputError(f"--delay: expected a number from 0, got {arguments.delay:g}")
    if not arguments.source.exists():
        raise InputError(f"{arguments.source}: no such bag or folder")
    # Read by Fast DDS when ROS starts: the segment that carries large images is the sender's.
    os.environ.update(dds_environment(os.environ))
    try:
        import rclpy
        from rclpy.executors import ExternalShutdownException
    except ImportError as error:
        raise MissingError("ROS 2 (rclpy) is not here", "see `trt-perception doctor --for ros`") from error
    from trt_perception.ros.player import Player

    source = _source(arguments)

    counts: Counter[str] = Counter()
    rclpy.init()
    try:
        restamp = arguments.restamp or not is_bag(arguments.source)
        with Player(source.topics, clock=arguments.clock, restamp=restamp) as player:
            _wait(player.wait_for_subscribers(_awaited(source, arguments), timeout_s=arguments.wait), arguments.wait)
            time.sleep(arguments.delay)
            with progress_bar("playing", total=source.count, unit="message") as bar, _ledger(arguments.ledger) as write:

                def on_sent(sent: SentMessage) -> None:
                    counts[sent.topic] += 1
                    bar.update()
                    write(sent)

                player.play(source.messages(), rate=arguments.rate, on_sent=on_sent)
    except (KeyboardInterrupt, ExternalShutdownException):
        return 130
    finally:
        rclpy.try_shutdown()
    for topic, count in sorted(counts.items()):
        print(f"{topic}: {count}")
    return 0


@contextlib.contextmanager
def _ledger(path: Path | None) -> Iterator[Callable[[SentMessage], None]]:
    """Writes every message that went out as a line of JSON, where a file is asked for."""
    if path is None:
        yield lambda sent: None
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        yield lambda sent: print(json.dumps(dataclasses.asdict(sent)), file=file)


def _wait(missing: list[str], seconds: float) -> None:
    if missing and seconds > 0.0:
        raise PerceptionError(f"{', '.join(missing)}: nobody subscribed within {seconds:g} s; start the node first")


def _awaited(source: Source, arguments: argparse.Namespace) -> list[str]:
    images = [topic for topic, kind in source.topics.items() if kind.endswith("Image")]
    return [topic for topic in images if arguments.wait_for is None or topic in arguments.wait_for]


def _source(arguments: argparse.Namespace) -> Source:
    # A file that is no bag is refused as one, by name.
    if arguments.source.is_file() or is_bag(arguments.source):
        return _bag(arguments.source, arguments.topics)
    from trt_perception.ros.image_folder_source import ImageFolderSource

    source = ImageFolderSource(
        folder=arguments.source,
        raw=arguments.raw,
        rate_hz=arguments.rate_hz,
        seconds=arguments.seconds,
        camera=arguments.camera,
    )
    print(f"{', '.join(source.frames)} at {arguments.rate_hz:g} Hz", file=sys.stderr)
    return source


def _bag(path: Path, wanted: Sequence[str] | None) -> Source:
    """The topics that were asked for; else all whose message types are installed, as `ros2 bag play` does."""
    from trt_perception.ros.bag_source import BagSource
    from trt_perception.ros.player import message_class

    source = BagSource(path, wanted=wanted)
    if wanted is not None:
        return source
    unknown: dict[str, str] = {}
    for topic, type_name in source.topics.items():
        try:
            message_class(type_name)
        except MissingError:
            unknown[topic] = type_name
    if not unknown:
        return source
    names = ", ".join(f"{topic} ({type_name})" for topic, type_name in sorted(unknown.items()))
    print(f"not played, as their message types are not installed: {names}", file=sys.stderr)
    return BagSource(path, wanted=[topic for topic in source.topics if topic not in unknown])
