"""How a bag is written."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from trt_perception.errors import ConfigError


class Storage(str, Enum):
    """Storage plugin of rosbag2."""

    MCAP = "mcap"
    SQLITE3 = "sqlite3"


class Compression(str, Enum):
    """What zstd is applied to."""

    NONE = "none"
    CHUNK = "chunk"
    """Chunks of an mcap file; every mcap reader reads it."""
    MESSAGE = "message"
    """Single messages, as `ros2 bag record --compression-mode message` does."""
    FILE = "file"
    """The finished file, as `ros2 bag record --compression-mode file` does."""


@dataclass(frozen=True, kw_only=True)
class BagWriterOptions:
    """How a bag is written.

    Args:
        storage: A Storage or its word. Default: mcap.
        compression: A Compression or its word. Default: none.
        overwrite: Whether a bag that is there already is replaced, once the new one is complete. Default: False.

    Raises:
        ConfigError: A word that is not known, or compressed chunks in sqlite3, which has none.
    """

    storage: Storage | str = Storage.MCAP
    compression: Compression | str = Compression.NONE
    overwrite: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "storage", _member(Storage, "storage", self.storage))
        object.__setattr__(self, "compression", _member(Compression, "compression", self.compression))
        if self.storage is Storage.SQLITE3 and self.compression is Compression.CHUNK:
            raise ConfigError("BagWriterOptions.compression", "sqlite3 has no chunks; use 'message', 'file' or mcap")


def _member(kind: type[Enum], name: str, value: object) -> Enum:
    try:
        return kind(value)
    except ValueError:
        words = ", ".join(repr(member.value) for member in kind)
        raise ConfigError(f"BagWriterOptions.{name}", f"expected one of {words}, got {value!r}") from None
