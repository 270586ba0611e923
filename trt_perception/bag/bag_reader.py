"""Reads a rosbag2 bag: what is in it, its messages in order of time, its images as frames."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from trt_perception.bag.bag_files import find_bag_files
from trt_perception.bag.bag_image import BagImage
from trt_perception.bag.bag_topic import BagMessage, BagTopic
from trt_perception.bag.camera_topics import IMAGE_TYPES, VIDEO_TYPES, camera_topics
from trt_perception.bag.storage_file import StorageSummary, read_messages, read_summary
from trt_perception.errors import BagError


class BagReader:
    """A bag: a folder with metadata.yaml or without, or a single .mcap or .db3 file.

    Both storages of rosbag2, split bags, and compression of chunks (zstd, lz4), messages and files (zstd) are read.
    Messages are streamed: memory holds one chunk of one file, however large the bag. Files are open only while
    messages are read, so there is nothing to close, and several readings can go on at once.

    Args:
        path: The bag.

    Attributes:
        path: The bag.
        topics: What it holds, by name, in order of name.
        message_count: Messages of all topics.
        start_ns: Earliest log time in nanoseconds, None where the bag is empty.
        end_ns: Latest log time in nanoseconds, None where the bag is empty.

    Raises:
        BagError: There is no bag, or it is damaged, not finished or of another kind.
        MissingError: The bag library is not installed.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._files = [read_summary(file) for file in find_bag_files(self.path).files]
        self.topics: Mapping[str, BagTopic] = _joined_topics(self.path, self._files)
        self.message_count = sum(topic.message_count for topic in self.topics.values())
        self.start_ns = min((file.start_ns for file in self._files if file.start_ns is not None), default=None)
        self.end_ns = max((file.end_ns for file in self._files if file.end_ns is not None), default=None)

    @property
    def cameras(self) -> Mapping[str, str]:
        """Image topic by camera, as `camera_topics` finds them; empty where the bag has no images."""
        return camera_topics(self.topics.values())

    def messages(
        self, topics: Iterable[str] | None = None, *, start_ns: int | None = None, stop_ns: int | None = None
    ) -> Iterator[BagMessage]:
        """Messages in order of their log times; of equal times, in the order in which the file has them.

        Args:
            topics: Names of the topics. Default: all.
            start_ns: First log time. Default: from the beginning.
            stop_ns: First log time that is left out. Default: to the end.

        Raises:
            BagError: There is no such topic, or (while reading) a file is damaged.
        """
        wanted = frozenset(self.topics if topics is None else topics)
        if missing := sorted(wanted - self.topics.keys()):
            here = ", ".join(self.topics) or "none"
            raise BagError(self.path, f"no topic {', '.join(missing)}; its topics: {here}")
        return self._messages(wanted, start_ns, stop_ns)

    def images(
        self,
        cameras: Mapping[str, str] | None = None,
        *,
        start_ns: int | None = None,
        stop_ns: int | None = None,
    ) -> Iterator[BagImage]:
        """Images of some cameras in order of their log times.

        Args:
            cameras: Image topic by camera. Default: those of `cameras`.
            start_ns: First log time. Default: from the beginning.
            stop_ns: First log time that is left out. Default: to the end.

        Raises:
            BagError: There is no such topic, it holds no images, or (while reading) a file is damaged.
        """
        cameras = self.cameras if cameras is None else cameras
        if not cameras:
            raise BagError(self.path, self._why_no_images())
        messages = self.messages(cameras.values(), start_ns=start_ns, stop_ns=stop_ns)
        for topic in cameras.values():
            if (found := self.topics[topic].type_name) not in IMAGE_TYPES:
                raise BagError(self.path, f"{topic} holds {found}, expected {' or '.join(IMAGE_TYPES)}")
        names: dict[str, list[str]] = {}
        for camera, topic in cameras.items():
            names.setdefault(topic, []).append(camera)
        return (BagImage(camera=camera, message=message) for message in messages for camera in names[message.topic])

    def _why_no_images(self) -> str:
        if videos := [topic.name for topic in self.topics.values() if topic.type_name in VIDEO_TYPES]:
            return f"{', '.join(videos)} hold video packets, whose pictures cannot be read; record or convert to JPEG"
        return f"no topic of images (.../image... of type {' or '.join(IMAGE_TYPES)}); its topics: " + (
            ", ".join(f"{topic.name} ({topic.type_name})" for topic in self.topics.values()) or "none"
        )

    def _messages(self, topics: frozenset[str], start_ns: int | None, stop_ns: int | None) -> Iterator[BagMessage]:
        for group in _groups_in_time(self._files):
            streams = [
                read_messages(file.path, topics & file.topics.keys(), start_ns=start_ns, stop_ns=stop_ns)
                for file in group
                if _overlaps(file, start_ns, stop_ns)
            ]
            yield from heapq.merge(*streams, key=lambda message: message.log_time_ns)


def _joined_topics(path: Path, files: Iterable[StorageSummary]) -> dict[str, BagTopic]:
    """The topics of all files, counts added up."""
    topics: dict[str, BagTopic] = {}
    for file in files:
        for name, topic in file.topics.items():
            topics[name] = topic.joined(topics.get(name), bag=path)
    return dict(sorted(topics.items()))


def _groups_in_time(files: Iterable[StorageSummary]) -> Iterator[list[StorageSummary]]:
    """Files by start, those that overlap in time together: only these have to be open at once."""
    group: list[StorageSummary] = []
    end = 0
    for file in sorted((file for file in files if file.start_ns is not None), key=lambda file: file.start_ns or 0):
        start, last = file.start_ns or 0, file.end_ns or 0
        if group and start > end:
            yield group
            group = []
        end = max(end, last) if group else last
        group.append(file)
    if group:
        yield group


def _overlaps(file: StorageSummary, start_ns: int | None, stop_ns: int | None) -> bool:
    """Whether a file with messages has some in that span of time."""
    before = stop_ns is not None and file.start_ns is not None and file.start_ns >= stop_ns
    behind = start_ns is not None and file.end_ns is not None and file.end_ns < start_ns
    return not before and not behind
