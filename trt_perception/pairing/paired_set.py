"""What becomes of the frames that are paired."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


class Stamped(Protocol):
    """What can be paired."""

    @property
    def stamp_ns(self) -> int:
        """When it was taken."""


T = TypeVar("T", bound=Stamped)


@dataclass(frozen=True)
class PairedSet(Generic[T]):
    """Frames of one time, one of each source.

    Args:
        frames: In the order of the sources.
        is_first_use: For each, whether no earlier set had it. Frames of which that is not so stand in, and have ended
            with the first set that had them.
    """

    frames: tuple[T, ...]
    is_first_use: tuple[bool, ...]


@dataclass(frozen=True)
class UnpairedFrame(Generic[T]):
    """A frame that ends without having been in any set.

    Args:
        source: Which source's.
        frame: The frame.
        missing: Of a frame of the first source, the first source that had no partner for it; else None.
        nearest_ns: Stamp of the nearest frame known of that source minus this one's; None where none is known.
    """

    source: int
    frame: T
    missing: int | None = None
    nearest_ns: int | None = None


Outcome = PairedSet[T] | UnpairedFrame[T]
