"""Which steps are done: a stamp holds the digest of everything that the step's outcome depends on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

STAMPS = "set_up"
"""Folder of the stamps in a virtual environment."""


def digest(*, values: Iterable[str], files: Iterable[Path] = (), root: Path) -> str:
    """Digest of labelled values and of files with their names."""
    state = hashlib.sha256()
    for value in values:
        state.update(f"value {len(value)} {value}\n".encode())
    for path in sorted(files):
        content = path.read_bytes()
        state.update(f"file {path.relative_to(root)} {len(content)}\n".encode())
        state.update(content)
    return state.hexdigest()


class Stamp:
    """The record of one finished step, inside the virtual environment so that it goes where that goes.

    Args:
        venv: The virtual environment.
        name: The step.
        key: Digest of what the step's outcome depends on.
    """

    def __init__(self, venv: Path, name: str, key: str) -> None:
        self._path = venv / STAMPS / name
        self._key = key

    def holds(self) -> bool:
        """Whether the step was finished with the same key."""
        try:
            return self._path.read_text(encoding="utf-8") == self._key
        except OSError:
            return False

    def write(self) -> None:
        """Record that the step is finished."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(self._key, encoding="utf-8")
