"""Compiled kernels on the disk, so that a node starts without compiling."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from trt_perception.engine.file_trust import others_may_write
from trt_perception.options.write_atomically import write_atomically

_MAGIC = b"trt_perception kernel 1\n"
_DIGEST_BYTES = 32


def default_folder() -> Path:
    """`trt_perception/kernels` in the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or ""
    return (Path(base) if base else Path.home() / ".cache") / "trt_perception" / "kernels"


class KernelCache:
    """One file a key: what begins it, the SHA-256 of the code, the code.

    A file that is damaged, or that others than this user and root may write, counts as absent: a kernel is code.

    Args:
        folder: Made with the first kernel that is kept. Where that fails, nothing is kept. Default: `default_folder`.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or default_folder()

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
        return code

    def store(self, key: str, code: bytes) -> None:
        """Keep code; where the disk does not take it, the next start compiles again."""
        with suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(self._path(key), _head(code) + code)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.cubin"


def _head(code: bytes) -> bytes:
    return _MAGIC + hashlib.sha256(code).digest()
