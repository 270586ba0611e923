"""What a bag holds, and one thing out of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from trt_perception.errors import BagError


@dataclass(frozen=True, kw_only=True)
class BagTopic:
    """One topic of a bag.

    Args:
        name: e.g. ``/front/image_raw``.
        type_name: e.g. ``sensor_msgs/msg/Image``.
        message_count: Messages in all files of the bag.
        definition: The message definition that the bag carries; empty where it carries none, as old sqlite3 bags do.
    """

    name: str
    type_name: str
    message_count: int
    definition: str = field(default="", repr=False)

    def joined(self, other: BagTopic | None, *, bag: Path) -> BagTopic:
        """One topic of two parts of a bag: another file, or another publisher in the same file.

        Raises:
            BagError: They differ in type.
        """
        if other is None:
            return self
        if other.type_name != self.type_name:
            raise BagError(
                bag, f"{self.name} is {other.type_name} in one part of the bag and {self.type_name} in another"
            )
        return BagTopic(
            name=self.name,
            type_name=self.type_name,
            message_count=other.message_count + self.message_count,
            definition=other.definition or self.definition,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class BagMessage:
    """One message of a bag, not decoded.

    Args:
        topic: Name of its topic.
        type_name: Type of its topic.
        log_time_ns: When the recorder received it, nanoseconds. The header's stamp, inside `data`, is another time.
        data: The message in CDR; views into it stay valid as long as they are held.
    """

    topic: str
    type_name: str
    log_time_ns: int
    data: bytes | memoryview = field(repr=False)
