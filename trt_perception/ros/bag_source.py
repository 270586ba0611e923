"""A bag as messages to play."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from trt_perception.bag.bag_reader import BagReader
from trt_perception.bag.bag_topic import BagMessage


class BagSource:
    """The messages of a bag in order of their log times.

    Args:
        path: The bag.
        wanted: Topics to play. Default: all.

    Raises:
        BagError: There is no bag, it is damaged, or it lacks one of the topics.
        MissingError: The bag library is not installed.
    """

    def __init__(self, path: Path, *, wanted: Sequence[str] | None = None) -> None:
        self._reader = BagReader(path)
        names = list(self._reader.topics) if wanted is None else list(wanted)
        self._reader.messages(names)  # refuses topics that are not there
        self._topics = [self._reader.topics[name] for name in names]

    @property
    def topics(self) -> Mapping[str, str]:
        """Type by topic."""
        return {topic.name: topic.type_name for topic in self._topics}

    @property
    def count(self) -> int:
        """Messages in all."""
        return sum(topic.message_count for topic in self._topics)

    def messages(self) -> Iterator[BagMessage]:
        """The messages."""
        return self._reader.messages(self.topics)
