"""The folder of a finished validation run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from trt_perception.errors import InputError
from trt_perception.options.limited_file import limited_lines, read_limited
from trt_perception.validate.frame_record import FrameRecord
from trt_perception.validate.run_header import RunHeader
from trt_perception.validate.validation_metrics import ValidationMetrics

METRICS = "metrics.json"
FRAMES = "frames.jsonl"
MISSED = "missed.jsonl"
TIMINGS = "timings.json"
REPORT_JSON = "report.json"
REPORT_HTML = "report.html"
DETECTIONS = "detections"

MAX_BYTES = 2**28
"""Of a file that is read as a whole; frames.jsonl is read line by line."""


class RunFolder:
    """What a finished run left.

    Args:
        path: The folder.

    Raises:
        InputError: It is not the folder of a finished run.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not (path / METRICS).is_file() or not (path / FRAMES).is_file():
            raise InputError(
                f"{path}: expected the folder of a finished validation, with {METRICS} and {FRAMES}; "
                "make it with `trt-perception validate BAG --out FOLDER`"
            )

    def metrics(self) -> ValidationMetrics:
        """The figures.

        Raises:
            InputError: The file is damaged, or of another format.
        """
        path = self.path / METRICS
        return ValidationMetrics.from_plain(read_json(path), where=str(path))

    def header(self) -> RunHeader:
        """What the run was of.

        Raises:
            InputError: The file is damaged, or of another format.
        """
        return read_header(self.path / FRAMES)

    def frames(self) -> Iterator[FrameRecord]:
        """Every frame, in order of bag, stamp and camera; read as they are asked for.

        Raises:
            InputError: While reading: a line is damaged.
        """
        return read_frames(self.path / FRAMES)

    def timings(self) -> Mapping[str, Any]:
        """How long it took.

        Raises:
            InputError: The file is damaged.
        """
        content = read_json(self.path / TIMINGS)
        if not isinstance(content, dict):
            raise InputError(f"{self.path / TIMINGS}: expected a mapping")
        return content


def read_header(path: Path) -> RunHeader:
    """The first line of frames.jsonl.

    Raises:
        InputError: The file cannot be read, is damaged, or of another format.
    """
    where = f"{path}:1"
    try:
        line = next(limited_lines(path), "")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    return RunHeader.from_plain(_parsed(line, where), where=where)


def read_frames(path: Path) -> Iterator[FrameRecord]:
    """The other lines of frames.jsonl, read as they are asked for.

    Raises:
        InputError: While reading: a line is damaged.
    """
    lines = limited_lines(path)
    next(lines, None)
    for number, line in enumerate(lines, start=2):
        where = f"{path}:{number}"
        try:
            yield FrameRecord.from_plain(_parsed(line, where))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"{where}: expected the record of a frame; {error!r}") from error


def read_json(path: Path) -> Any:
    """The content of a JSON file.

    Raises:
        InputError: The file cannot be read, is larger than 256 MiB, or is no JSON.
    """
    try:
        text = read_limited(path, limit=MAX_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    return _parsed(text, str(path))


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: expected JSON: {error}") from error
