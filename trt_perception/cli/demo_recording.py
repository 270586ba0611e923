"""The demo's results as a bag: what the node published, in the time of the drive."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from trt_perception.bag.bag_topic import BagMessage
from trt_perception.bag.bag_writer import BagWriter
from trt_perception.bag.bag_writer_options import BagWriterOptions, Compression
from trt_perception.cdr.header_bytes import read_stamp_ns
from trt_perception.cli.demo_run import DemoRun


def write_recording(run: DemoRun, path: Path) -> None:
    """Write every result; its log time is the image's stamp plus the time from sending the image to having the result.

    Args:
        run: The run.
        path: Folder of the bag; the file in it carries the folder's name and opens by itself, too.

    Raises:
        BagError: The bag cannot be written.
    """
    sent = {(camera, stamp): sent_ns for camera, stamps in run.sent.items() for stamp, sent_ns in stamps.items()}
    messages = sorted(_timed(run, sent), key=lambda message: (message.log_time_ns, message.topic))
    # Masks are most of it, and shrink to a hundredth.
    with BagWriter(path, options=BagWriterOptions(compression=Compression.CHUNK)) as writer:
        for topic, type_name in sorted({(message.topic, message.type_name) for message in messages}):
            writer.add_topic(topic, type_name)
        for message in messages:
            writer.write(message.topic, message.data, log_time_ns=message.log_time_ns)


def _timed(run: DemoRun, sent: dict[tuple[str, int], int]) -> Iterator[BagMessage]:
    for message in run.messages:
        stamp_ns = read_stamp_ns(message.data)
        sent_ns = sent.get((run.camera_of(message.topic), stamp_ns), message.log_time_ns)
        yield BagMessage(
            topic=f"/{message.topic}",
            type_name=message.type_name,
            log_time_ns=stamp_ns + message.log_time_ns - sent_ns,
            data=message.data,
        )
