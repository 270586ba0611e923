"""Which files a bag consists of, in which order: from metadata.yaml, or from the folder where it has none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from trt_perception.errors import BagError, InputError
from trt_perception.options.limited_file import read_limited

METADATA = "metadata.yaml"
STORAGE_SUFFIXES = (".mcap", ".db3")
COMPRESSED_SUFFIX = ".zstd"
NEWEST_VERSION = 9
"""Newest rosbag2 metadata version whose meaning is known."""


@dataclass(frozen=True, kw_only=True)
class BagFiles:
    """The storage files of one bag.

    Args:
        path: The bag as the user named it.
        files: In the order in which they were recorded.
    """

    path: Path
    files: tuple[Path, ...]


def is_bag(path: Path) -> bool:
    """Whether a path looks like a bag: a storage file, or a folder with metadata.yaml or storage files."""
    if path.is_dir():
        return (path / METADATA).is_file() or bool(_storage_files(path))
    return _is_storage(path)


def find_bag_files(path: Path) -> BagFiles:
    """The files of the bag at `path`: a folder, or one .mcap or .db3 file (.zstd behind it too).

    Raises:
        BagError: There is no bag, a file is missing, or metadata.yaml cannot be used.
    """
    if not path.exists():
        raise BagError(path, "no such bag", "give the bag's folder, or one .mcap or .db3 file")
    if not path.is_dir():
        if not _is_storage(path):
            raise BagError(path, "expected a bag's folder, or a .mcap or .db3 file")
        return BagFiles(path=path, files=(path,))
    if (path / METADATA).is_file():
        return BagFiles(path=path, files=_listed_files(path))
    files = _storage_files(path)
    if not files:
        raise BagError(path, f"expected {METADATA}, .mcap or .db3 files; this folder has none, it is no bag")
    if len({_storage_suffix(file) for file in files}) > 1:
        raise BagError(path, f"has no {METADATA}, and both .mcap and .db3 files", "name the file to read")
    return BagFiles(path=path, files=files)


def _listed_files(path: Path) -> tuple[Path, ...]:
    """The files that metadata.yaml names. Older versions name them with the folder in front."""
    information = _read_metadata(path / METADATA)
    names = information.get("relative_file_paths")
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise BagError(path / METADATA, f"expected relative_file_paths, a list of file names; got {names!r:.80}")
    files = tuple(path / PurePosixPath(name).name for name in names)
    if missing := [file.name for file in files if not file.is_file()]:
        raise BagError(path, f"{METADATA} names {', '.join(missing)}, which the folder lacks", "copy the whole bag")
    if strange := [file.name for file in files if not _is_storage(file)]:
        raise BagError(path, f"{', '.join(strange)}: expected .mcap or .db3 files, .zstd behind it at most")
    return files


def _read_metadata(file: Path) -> Mapping[str, Any]:
    remedy = f"`ros2 bag reindex` writes it anew; without {METADATA} the files are read as they are"
    try:
        content = yaml.load(
            read_limited(file, remedy=remedy).decode(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        )
    except InputError as error:
        raise BagError(file, str(error).removeprefix(f"{file}: ")) from error
    except OSError as error:
        raise BagError(file, f"cannot be read: {error.strerror}", "check its permissions") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise BagError(file, f"is not YAML: {' '.join(str(error).split()):.200}", remedy) from error
    information = content.get("rosbag2_bagfile_information") if isinstance(content, dict) else None
    if not isinstance(information, dict):
        raise BagError(file, "expected the key rosbag2_bagfile_information", remedy)
    version = information.get("version")
    if not isinstance(version, int) or version > NEWEST_VERSION:
        raise BagError(file, f"expected a version up to {NEWEST_VERSION}, got {version!r}", remedy)
    return information


def _storage_files(folder: Path) -> tuple[Path, ...]:
    """Storage files of a folder; drive_2.mcap comes before drive_10.mcap."""
    files = [file for file in folder.iterdir() if file.is_file() and _is_storage(file)]
    return tuple(sorted(files, key=lambda file: [int(part) if part.isdigit() else part for part in _parts(file.name)]))


def _parts(name: str) -> list[str]:
    return re.split(r"(\d+)", name)  # texts and numbers by turns, so that only like is compared with like


def _is_storage(path: Path) -> bool:
    return _storage_suffix(path) in STORAGE_SUFFIXES


def _storage_suffix(path: Path) -> str:
    return (path.with_suffix("") if path.suffix == COMPRESSED_SUFFIX else path).suffix
