"""Several finished runs of different bags as one: what a single run of all these bags would have given."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from trt_perception.errors import InputError
from trt_perception.options.write_atomically import write_atomically
from trt_perception.validate.finish_run import json_line, write_figures
from trt_perception.validate.frame_record import FrameRecord
from trt_perception.validate.merge_timings import merge_timings
from trt_perception.validate.run_folder import FRAMES, METRICS, MISSED, REPORT_HTML, REPORT_JSON, TIMINGS, RunFolder
from trt_perception.validate.run_header import RunHeader
from trt_perception.validate.validation_metrics import ValidationMetrics


def merge_headers(headers: Sequence[RunHeader]) -> RunHeader:
    """The header of all runs together; the order in which they are merged, and in what groups, makes no difference.

    Raises:
        InputError: They are not of the same model, thresholds and heads, or share a bag.
    """
    if not headers:
        raise InputError("merge: expected finished runs, got none")
    first = headers[0]
    for other in headers[1:]:
        for name in ("model", "thresholds", "heads", "pairing"):
            one, two = getattr(first, name), getattr(other, name)
            if one != two:
                raise InputError(f"merge: expected runs of one {name}, got {one} and {two}")
    bags = sorted((bag for header in headers for bag in header.bags), key=lambda bag: (bag.start_ns, bag.name))
    if twice := [name for name, count in Counter(bag.name for bag in bags).items() if count > 1]:
        raise InputError(f"merge: bag {twice[0]} is in two of the runs; frames would count twice; leave one out")
    kinds = sorted({header.truth for header in headers} - {"none"})
    if len(kinds) > 1:
        raise InputError(f"merge: expected truth of one kind, got {' and '.join(kinds)}")
    return replace(first, truth=kinds[0] if kinds else "none", bags=tuple(bags))


def merge_runs(folders: Sequence[Path], out: Path, *, overwrite: bool = False) -> ValidationMetrics:
    """Write frames.jsonl, missed.jsonl and metrics.json of all runs together, and timings.json where all have one.

    The first three are equal, byte for byte, to those of a single run of all the bags. Detections stay with each run.

    Args:
        folders: Folders of finished runs.
        out: Folder of the results.
        overwrite: Whether an earlier result in the folder is replaced.

    Raises:
        InputError: A folder is not of a finished run, the runs do not fit together, or the results cannot be written.
    """
    runs = [RunFolder(folder) for folder in folders]
    headers = [run.header() for run in runs]
    header = merge_headers(headers)
    timed = all((folder / TIMINGS).is_file() for folder in folders)
    timings = merge_timings([run.timings() for run in runs]) if timed else None
    if (out / METRICS).exists() and not overwrite:
        raise InputError(f"{out}: a finished validation is there; give another --out, or --overwrite")
    if any(out.resolve() == folder.resolve() for folder in folders):
        raise InputError(f"{out}: expected a folder of its own for the merged run, this is one of the runs")
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name in (METRICS, FRAMES, MISSED, TIMINGS, REPORT_HTML, REPORT_JSON):
            (out / name).unlink(missing_ok=True)
        temporary = out / f".{FRAMES}.tmp"
        with temporary.open("w", encoding="utf-8") as lines:
            lines.write(json_line(header.to_plain()))
            for record in merge_frames([(own, run.frames()) for own, run in zip(headers, runs, strict=True)]):
                lines.write(json_line(record.to_plain()))
        temporary.replace(out / FRAMES)
        if timings is not None:
            write_atomically(out / TIMINGS, (json.dumps(timings, indent=1) + "\n").encode())
        return write_figures(out, header)
    except OSError as error:
        raise InputError(f"{out}: cannot be written: {error.strerror or error}; free space") from error


def merge_frames(runs: Sequence[tuple[RunHeader, Iterable[FrameRecord]]]) -> Iterator[FrameRecord]:
    """The frames of all runs, in order of bag; inside a bag, as its run has them.

    Args:
        runs: Header and frames of each; a bag is in one of them only.
    """
    streams = [_Stream(frames) for _, frames in runs]
    bags = sorted(
        ((bag.start_ns, bag.name, index) for index, (header, _) in enumerate(runs) for bag in header.bags),
    )
    for _, name, index in bags:
        yield from streams[index].of_bag(name)


class _Stream:
    """Frames in order of bag, taken bag by bag."""

    def __init__(self, frames: Iterable[FrameRecord]) -> None:
        self._frames = iter(frames)
        self._next = next(self._frames, None)

    def of_bag(self, name: str) -> Iterator[FrameRecord]:
        while self._next is not None and self._next.bag == name:
            yield self._next
            self._next = next(self._frames, None)
