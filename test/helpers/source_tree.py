"""A copy of what a build reads, so that building writes nothing into the tree."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).parents[2]

FOLDERS = ("trt_perception", "launch", "config", "resource")
FILES = ("package.xml", "setup.py", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")


def copy_source_tree(target: Path) -> Path:
    """Copy the sources of the package to a new folder and return it."""
    for name in FOLDERS:
        shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy2(ROOT / name, target / name)
    return target


def data_files(folder: str) -> set[str]:
    """The files in a folder of the tree that are not Python, relative to it."""
    paths = (path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(ROOT / folder).as_posix() for path in paths if path.suffix != ".py"}
