"""Who publishes a camera's images, and whether they can arrive."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_SEGMENT_BYTES = 512 * 1024
"""Shared memory of a Fast DDS sender that nobody has configured: larger messages arrive rarely or not at all."""


@dataclass(frozen=True, kw_only=True)
class ImagePublishers:
    """The publishers of one image topic.

    Args:
        names: Full names of their nodes, one for each publisher.
        clashes: One sentence for each publisher whose quality of service excludes ours, with both profiles.
        advice: What to set where publishers are there and large images do not come; may be empty.
    """

    names: tuple[str, ...] = ()
    clashes: tuple[str, ...] = ()
    advice: str = ""

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.names)

    @property
    def problem(self) -> str:
        """What is wrong with them, in one line; empty where nothing is."""
        if self.clashes:
            return "; ".join(self.clashes)
        if self.count > 1:
            return f"{self.count} publishers on one topic: {', '.join(self.names)}; their images are mixed"
        return ""

    @property
    def none_fits(self) -> bool:
        """Whether there are publishers, and quality of service excludes every one."""
        return bool(self.clashes) and len(self.clashes) == self.count
