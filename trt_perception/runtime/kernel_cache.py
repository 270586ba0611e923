"""Compiled kernels on the disk, so that a node starts without compiling."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from trt_perception.engine.file_trust import others_may_write
from trt_perception.options.write_atomically import write_atomically

MAX_BYTES = 2**27
"""Kept at most: the kernels of some hundred models, at half a megabyte each."""
RECENT_S = 3600.0
"""What was used so lately is kept all the same: nodes that start together must not take each other's kernels away."""

_MAGIC = b"trt_perception kernel 1\n"
_DIGEST_BYTES = 32
_SUFFIX = ".cubin"


def default_folder() -> Path:
    """`trt_perception/kernels` in the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or ""
    return (Path(base) if base else Path.home() / ".cache") / "trt_perception" / "kernels"


@dataclass(frozen=True, kw_only=True)
class _File:
    """One file, with its size in bytes and when it was last written or loaded, seconds since the epoch."""

    path: Path
    size: int
    used: float


class KernelCache:
    """One file a key: what begins it, the SHA-256 of the code, the code.

    A file that is damaged, or that others than this user and root may write, counts as absent: a kernel is code.

    Beyond `max_bytes`, what was not used for longest goes first. That harms no other process: a kernel is read as a
    whole when it is loaded, and one that is gone is compiled again.

    Args:
        folder: Made with the first kernel that is kept. Where that fails, nothing is kept. Default: `default_folder`.
        max_bytes: What it may hold, but for kernels that were used in the last hour.
    """

    def __init__(self, folder: Path | None = None, *, max_bytes: int = MAX_BYTES) -> None:
        self.folder = folder or default_folder()
        self._max_bytes = max_bytes

    def load(self, key: str) -> bytes | None:
        """The code of a key, or None."""
        path = self._path(key)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        start = len(_MAGIC) + _DIGEST_BYTES
        code = content[start:]
        if not code or content[:start] != _head(code) or any(others_may_write([path])):
            return None
        with suppress(OSError):  # a folder that cannot be written serves all the same
            os.utime(path)
        return code

    def store(self, key: str, code: bytes) -> None:
        """Keep code; where the disk does not take it, the next start compiles again."""
        with suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(self._path(key), _head(code) + code)
            self._prune()

    def _prune(self) -> None:
        """Remove what was not used for longest until the rest fits, and what a killed process had half written."""
        recent = time.time() - RECENT_S
        files = sorted(self._files(), key=lambda file: file.used)
        total = sum(file.size for file in files)
        for file in files:
            if file.used >= recent or (total <= self._max_bytes and file.path.suffix == _SUFFIX):
                continue
            with suppress(OSError):  # another process was first
                file.path.unlink()
            total -= file.size

    def _files(self) -> Iterator[_File]:
        """Kernels, and temporary files of `write_atomically`; nothing else that somebody put there."""
        with os.scandir(self.folder) as entries:
            for entry in entries:
                name = entry.name
                if name.endswith(_SUFFIX) or (name.startswith(".") and name.endswith(".tmp") and _SUFFIX in name):
                    with suppress(OSError):  # gone meanwhile
                        found = entry.stat(follow_symlinks=False)
                        yield _File(path=Path(entry.path), size=found.st_size, used=found.st_mtime)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}{_SUFFIX}"


def _head(code: bytes) -> bytes:
    return _MAGIC + hashlib.sha256(code).digest()
