"""The unfinished part of a run on disk: one file and one bag a segment, whole or absent."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trt_perception.bag.bag_reader import BagReader
from trt_perception.errors import BagError, InputError
from trt_perception.options.write_atomically import write_atomically
from trt_perception.validate.frame_record import FrameRecord

PARTIAL = ".partial"
LOCK = "lock"
_RUN = "run.json"


@dataclass(kw_only=True)
class Segment:
    """What was made of the frames of one segment.

    Args:
        records: In order of log time.
        times_ns: Decoding, preprocessing, inference and postprocessing of each; nothing for skipped frames.
        truth: Camera and stamp of every true image that the bag has in this segment.
        has_results: Whether there is a bag of messages.
    """

    records: list[FrameRecord] = field(default_factory=list)
    times_ns: list[list[int]] = field(default_factory=list)
    truth: list[tuple[str, int]] = field(default_factory=list)
    has_results: bool = False


class SegmentStore:
    """The folder of the segments, for any number of processes that write different ones.

    Args:
        out: Folder of the run.
    """

    def __init__(self, out: Path) -> None:
        self.folder = out / PARTIAL

    def results_path(self, bag: int, segment: int) -> Path:
        """The bag of a segment's messages."""
        return self.folder / str(bag) / f"{segment:06d}"

    def pairs_path(self, bag: int) -> Path:
        """The table of what goes together, where a bag's cameras are paired."""
        return self.folder / f"{bag}.pairs"

    def write(self, bag: int, segment: int, content: Segment) -> None:
        """Keep a segment; its bag of messages is complete already.

        Raises:
            OSError: The disk is full.
        """
        plain = {
            "records": [record.to_plain() for record in content.records],
            "times_ns": content.times_ns,
            "truth": content.truth,
            "has_results": content.has_results,
        }
        path = self._path(bag, segment)
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, json.dumps(plain, separators=(",", ":")).encode())

    def read(self, bag: int, segment: int) -> Segment:
        """A segment that is done.

        Raises:
            InputError: Its file is damaged.
        """
        path = self._path(bag, segment)
        try:
            plain: dict[str, Any] = json.loads(path.read_bytes())
            return Segment(
                records=[FrameRecord.from_plain(record) for record in plain["records"]],
                times_ns=plain["times_ns"],
                truth=[(camera, stamp) for camera, stamp in plain["truth"]],
                has_results=plain["has_results"],
            )
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path}: damaged: {error}; run again with --overwrite") from error

    def is_done(self, bag: int, segment: int) -> bool:
        """Whether a segment is there, and its messages can be opened; what is left of one that is not, is removed."""
        path, results = self._path(bag, segment), self.results_path(bag, segment)
        if path.is_file():
            with suppress(InputError, BagError):
                if not self.read(bag, segment).has_results or BagReader(results).topics:
                    return True
            path.unlink()
        shutil.rmtree(results, ignore_errors=True)
        return False

    def files(self, bag: int, segment: int) -> dict[str, bytes]:
        """The content of every file of a segment that is done, by its path in the store.

        Raises:
            OSError: A file cannot be read.
        """
        results = self.results_path(bag, segment)
        paths = [self._path(bag, segment), *sorted(results.iterdir() if results.is_dir() else ())]
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in paths}

    def put(self, bag: int, segment: int, files: Mapping[str, bytes]) -> None:
        """Keep a segment that was made elsewhere.

        Args:
            bag: Number of the bag.
            segment: Number of the segment.
            files: What `files` gave there.

        Raises:
            OSError: The disk is full.
        """
        own = self._path(bag, segment)
        shutil.rmtree(self.results_path(bag, segment), ignore_errors=True)
        # The segment's own file last: with it, the segment is done.
        for name, content in sorted(files.items(), key=lambda item: self.folder / item[0] == own):
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, content)

    def begin(self, identity: dict[str, Any]) -> bool:
        """Make the folder, or find that of an earlier run that was ended.

        Args:
            identity: What the run is of; JSON values.

        Returns:
            Whether an earlier run is continued.

        Raises:
            InputError: There is one of something else.
        """
        path = self.folder / _RUN
        if path.is_file():
            before = _read_identity(path)
            if before == json.loads(json.dumps(identity)):
                self._sweep()
                return True
            changed = ", ".join(sorted(key for key in identity if before.get(key) != identity[key])) or "its format"
            raise InputError(
                f"{self.folder}: there is an unfinished run that differs in {changed}; finish that one, give another "
                "--out, or start anew with --overwrite"
            )
        write_atomically(path, (json.dumps(identity, indent=1) + "\n").encode())
        return False

    def clear(self) -> None:
        """Forget an earlier run."""
        for path in self.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != LOCK:
                path.unlink()

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, bag: int, segment: int) -> Path:
        return self.folder / str(bag) / f"{segment:06d}.json"

    def _sweep(self) -> None:
        """Remove what a killed process had half written."""
        for path in [*self.folder.glob("*/*.partial-*"), *self.folder.glob("*/.*.tmp")]:
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


class RunLock:
    """Held by the one run that writes a folder; a killed process leaves none.

    Args:
        out: Folder of the run.

    Raises:
        InputError: Another run holds it, or the folder cannot be written.
    """

    def __init__(self, out: Path) -> None:
        folder = out / PARTIAL
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = (folder / LOCK).open("w")
        except OSError as error:
            raise InputError(f"{out}: cannot be written: {error.strerror}; choose another --out") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise InputError(f"{out}: another run writes it; wait for its end, or give another --out") from error

    def __enter__(self) -> RunLock:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()


def _read_identity(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def missing_segments(store: SegmentStore, bag: int, count: int) -> Sequence[int]:
    """The segments of a bag that are still to be made."""
    return [segment for segment in range(count) if not store.is_done(bag, segment)]
