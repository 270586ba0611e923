"""A bag as messages to play."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from trt_perception.bag.bag_reader import BagReader
from trt_perception.errors import BagError
from trt_perception.ros.played_message import PlayedMessage


@dataclass(frozen=True, kw_only=True)
class BagSource:
    """The messages of a bag in its own rhythm.

    Args:
        path: The bag: a folder, or one .mcap or .db3 file.
        topics_wanted: Topics to play. Default: all.
    """

    path: Path
    topics_wanted: tuple[str, ...] = ()

    @cached_property
    def _reader(self) -> BagReader:
        return BagReader(self.path)

    @property
    def topics(self) -> Mapping[str, str]:
        """Type by topic.

        Raises:
            BagError: The bag cannot be read, or lacks a wanted topic.
            MissingError: The bag library is not installed.
        """
        here = {topic.name: topic.type_name for topic in self._reader.topics.values()}
        if missing := [name for name in self.topics_wanted if name not in here]:
            raise BagError(self.path, f"no topic {', '.join(missing)}; its topics: {', '.join(here) or 'none'}")
        return {name: here[name] for name in self.topics_wanted or here}

    @property
    def count(self) -> int:
        """Messages in all."""
        return sum(self._reader.topics[name].message_count for name in self.topics)

    def messages(self) -> Iterator[PlayedMessage]:
        """Every message in order of log time, which is when it is due."""
        for message in self._reader.messages(self.topics):
            yield PlayedMessage(
                topic=message.topic,
                type_name=message.type_name,
                time_ns=message.log_time_ns,
                data=message.data,
            )
