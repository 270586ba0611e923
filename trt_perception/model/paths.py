"""Paths as specs hold them."""

from __future__ import annotations

import os
from pathlib import Path

from trt_perception.errors import ConfigError


def absolute(path: Path | str, *, folder: Path | None = None) -> Path:
    """The absolute path of a file: `~` expanded, relative paths counted from `folder` (the working folder if None).

    Links among the folders are followed, so that `..` means what the system means by it; a link in the file's own place
    is kept, since its target may be exchanged.

    Raises:
        ConfigError: The path holds a NUL character.
    """
    text = os.fspath(path)
    if "\0" in text:
        raise ConfigError(repr(text), "expected a path, got one with a NUL character")
    joined = (folder or Path.cwd()) / os.path.expanduser(text)  # noqa: PTH111  Path.expanduser refuses `~x` and drops ./
    return Path(os.path.realpath(joined.parent)) / joined.name


def is_file(path: Path) -> bool:
    """Whether a file is there; a name that no file can have is no reason to fail."""
    try:
        return path.is_file()
    except OSError:
        return False
