"""The range of every calibrated tensor, what it was found with, and its JSON file."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trt_perception.errors import InputError
from trt_perception.options.limited_file import read_limited
from trt_perception.options.write_atomically import write_atomically

SCHEMA = 1
"""Number of the file's format. A newer number than this is refused."""

_TEXTS = ("method", "model_sha256", "data_digest", "preprocess_digest")
_AGAIN = "make it again with `trt-perception calibrate`"


@dataclass(frozen=True, kw_only=True)
class CalibrationTable:
    """What calibration found for one model, on one choice of frames.

    Args:
        ranges: Absolute maximum that INT8 is to represent, by tensor name; positive and finite.
        dead: Tensors that were zero in every frame: they have no range, and INT8 would gain nothing there.
        method: How ranges follow from values: entropy, max, or percentile with its share (``percentile 99.99``).
        frames: Frames that were run.
        model_sha256: Digest of the ONNX file, hexadecimal.
        data_digest: Digest of the images' content, hexadecimal; their order does not matter.
        preprocess_digest: Digest of how images became inputs, hexadecimal.

    Raises:
        InputError: A range is not positive and finite, a tensor is both dead and has a range, or no frame was run.
    """

    ranges: Mapping[str, float] = field(repr=False)
    dead: tuple[str, ...] = ()
    method: str
    frames: int
    model_sha256: str
    data_digest: str
    preprocess_digest: str

    def __post_init__(self) -> None:
        for name, value in self.ranges.items():
            if not (math.isfinite(value) and value > 0):
                raise InputError(f"range of tensor {name!r}: expected a positive finite number, got {value}; {_AGAIN}")
        if both := sorted(set(self.dead) & self.ranges.keys()):
            raise InputError(f"tensors {', '.join(both)}: expected a range or dead, got both; {_AGAIN}")
        if self.frames < 1:
            raise InputError(f"frames: expected at least 1, got {self.frames}; {_AGAIN}")
        object.__setattr__(self, "ranges", dict(sorted(self.ranges.items())))
        object.__setattr__(self, "dead", tuple(sorted(self.dead)))

    @property
    def digest(self) -> str:
        """sha256 of all that the table says, hexadecimal: what an engine's manifest records."""
        return hashlib.sha256(_to_json(self)).hexdigest()


def write_table(table: CalibrationTable, path: Path) -> None:
    """Write the table as JSON, as a whole or not at all.

    Raises:
        InputError: The file cannot be written.
    """
    try:
        write_atomically(path, _to_json(table))
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written: {error.strerror or error}; check folder and free space"
        ) from error


def read_table(path: Path) -> CalibrationTable:
    """Read a table.

    Format 1: an object of `schema` (number), the fields of CalibrationTable, `ranges` an object and `dead` a list.

    Raises:
        InputError: The file is absent, larger than 16 MiB, not JSON, of a newer format, or lacks a field
            or has a wrong one.
    """
    try:
        data = json.loads(read_limited(path, remedy=_AGAIN))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}; check the path") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: expected a calibration table, got no JSON ({error}); {_AGAIN}") from error
    try:
        return _from_plain(data)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _to_json(table: CalibrationTable) -> bytes:
    plain = {
        "schema": SCHEMA,
        **{name: getattr(table, name) for name in _TEXTS},
        "frames": table.frames,
        "ranges": dict(table.ranges),
        "dead": list(table.dead),
    }
    return (json.dumps(plain, indent=2, allow_nan=False) + "\n").encode()


def _from_plain(data: Any) -> CalibrationTable:
    schema = data.get("schema") if isinstance(data, dict) else None
    if not isinstance(schema, int) or isinstance(schema, bool):
        raise InputError(f"expected a calibration table with its schema number, got schema {schema!r}; {_AGAIN}")
    if schema > SCHEMA:
        raise InputError(f"schema: expected at most {SCHEMA}, got {schema}; update trt_perception, or {_AGAIN}")
    fields = {"schema", "frames", "ranges", "dead", *_TEXTS}
    if wrong := sorted(data.keys() ^ fields):
        raise InputError(f"expected the fields {', '.join(sorted(fields))}; missing or unknown: {', '.join(wrong)}")
    checks = {name: (isinstance(data[name], str), "a text") for name in _TEXTS}
    checks["frames"] = (_is_whole(data["frames"]), "a whole number")
    checks["ranges"] = (_is_ranges(data["ranges"]), "an object of numbers")
    checks["dead"] = (_is_texts(data["dead"]), "a list of texts")
    for name, (fits, expected) in checks.items():
        if not fits:
            raise InputError(f"{name}: expected {expected}, got {json.dumps(data[name])[:80]}; {_AGAIN}")
    try:
        ranges = {name: float(value) for name, value in data["ranges"].items()}
    except OverflowError:
        raise InputError(f"ranges: expected numbers that a float64 holds, got a larger one; {_AGAIN}") from None
    return CalibrationTable(
        ranges=ranges,
        dead=tuple(data["dead"]),
        frames=data["frames"],
        **{name: data[name] for name in _TEXTS},
    )


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_ranges(value: Any) -> bool:
    return isinstance(value, dict) and all(_is_whole(item) or isinstance(item, float) for item in value.values())


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
