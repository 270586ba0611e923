"""What the live node dropped, and what the player sent: the two ledgers of a replay."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trt_perception.errors import DropReason, InputError
from trt_perception.options.limited_file import limited_lines


@dataclass(frozen=True, kw_only=True)
class LiveDrops:
    """The node's drop log.

    Args:
        reasons: Reason of every dropped frame by the node's camera and the stamp in nanoseconds; of several the last.
        unstamped: Dropped frames whose stamp could not be read.
        lost: Dropped frames that the log could not hold.
    """

    reasons: Mapping[tuple[str, int], DropReason] = field(default_factory=dict)
    unstamped: int = 0
    lost: int = 0

    def of(self, camera: str) -> dict[int, DropReason]:
        """Reason by stamp of one camera."""
        return {stamp_ns: reason for (name, stamp_ns), reason in self.reasons.items() if name == camera}

    @staticmethod
    def read(path: Path) -> LiveDrops:
        """Reads the file that the node's ``drop_log`` names.

        A line that a full disk cut off is among those that the log says it has lost.

        Raises:
            InputError: There is none, or a line is not of a drop log or names an unknown reason.
        """
        reasons: dict[tuple[str, int], DropReason] = {}
        unstamped = lost = 0
        cut: InputError | None = None
        for where, line in _lines(path):
            try:
                entry = _parsed(line, where, "drop log")
            except InputError as error:
                if cut is not None:
                    raise cut from error
                cut = error
                continue
            if "lost_entries" in entry:
                lost += _integer(entry["lost_entries"], where)
                cut = None
                continue
            reason = _reason(entry.get("reason"), where)
            if not isinstance(entry.get("camera"), str):
                raise InputError(f"{where}: expected a line of a drop log, with camera, stamp_ns and reason")
            if entry.get("stamp_ns") is None:
                unstamped += 1
            else:
                reasons[entry["camera"], _integer(entry["stamp_ns"], where)] = reason
        if cut is not None:
            raise cut
        return LiveDrops(reasons=reasons, unstamped=unstamped, lost=lost)


def read_played(path: Path) -> dict[str, dict[int, int]]:
    """Time of sending of what `trt-perception play --ledger` sent, nanoseconds, by topic and stamp, in that order.

    Raises:
        InputError: There is no such file, or a line is not of a ledger.
    """
    played: dict[str, dict[int, int]] = {}
    for where, line in _lines(path):
        entry = _parsed(line, where, "ledger")
        if not isinstance(entry.get("topic"), str) or not {"stamp_ns", "sent_ns"} <= set(entry):
            raise InputError(f"{where}: expected a line of a ledger, with topic, stamp_ns and sent_ns")
        stamps = played.setdefault(entry["topic"], {})
        if entry["stamp_ns"] is not None:
            stamps[_integer(entry["stamp_ns"], where)] = _integer(entry["sent_ns"], where)
    return played


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """Every line and its place."""
    try:
        for number, line in enumerate(limited_lines(path), start=1):
            yield f"{path}:{number}", line
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _parsed(line: str, where: str, what: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: expected a JSON object, as a line of a {what}: {error}") from error
    if not isinstance(entry, dict):
        raise InputError(f"{where}: expected a JSON object, as a line of a {what}, got {line.strip()!r}")
    return entry


def _reason(word: object, where: str) -> DropReason:
    try:
        return DropReason(word)
    except ValueError:
        known = ", ".join(reason.value for reason in DropReason)
        raise InputError(
            f"{where}: expected a reason ({known}), got {word!r}; compare with the version that wrote the log"
        ) from None


def _integer(value: object, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise InputError(f"{where}: expected an integer, got {value!r}")
    return value
