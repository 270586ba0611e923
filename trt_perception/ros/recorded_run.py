"""A live run whose results go straight into a bag."""

from __future__ import annotations

from pathlib import Path

from trt_perception.bag.bag_topic import BagMessage
from trt_perception.bag.bag_writer import BagWriter
from trt_perception.bag.bag_writer_options import BagWriterOptions, Compression
from trt_perception.ros.live_run import LiveRun


def record_run(live: LiveRun, path: Path, *, overwrite: bool = False) -> int:
    """Run, and write every result with the system's time of its arrival; the number of messages.

    Args:
        live: What runs; its outputs are absolute topics.
        path: Folder of the bag.
        overwrite: Whether a bag in its place is replaced.

    Raises:
        BagError: The bag cannot be written; none is left.
        PerceptionError: The node or the player failed; no bag is left.
        MissingError: ROS is not here.
    """
    count = 0
    # Masks are most of it, and shrink to a hundredth.
    options = BagWriterOptions(compression=Compression.CHUNK, overwrite=overwrite)
    with BagWriter(path, options=options) as writer:
        for topic, type_name in sorted(live.outputs.items()):
            writer.add_topic(topic, type_name)

        def keep(message: BagMessage) -> None:
            nonlocal count
            count += 1
            writer.write(message.topic, message.data, log_time_ns=message.log_time_ns)

        live.record(keep)
    return count
