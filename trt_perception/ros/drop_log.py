"""Every dropped frame as a line of a file: what became of a stamp that has no result."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections import deque
from pathlib import Path

from trt_perception.errors import ConfigError, DropReason

MAX_WAITING = 65_536
"""Most entries that wait to be written. A disk that is slower loses entries, and the log says how many."""
PERIOD_S = 0.25
"""Time between two writes."""

Entry = tuple[str, "int | None", DropReason]


class DropLog:
    """Writes drops as JSON lines: ``{"camera": ..., "stamp_ns": ..., "reason": ...}``, stamp null where not known.

    `record` only appends to memory; a thread of its own writes.

    Args:
        path: The file; lines are added to one that exists.

    Raises:
        ConfigError: The file cannot be opened for writing.
    """

    def __init__(self, path: Path) -> None:
        try:
            # Unbuffered: what a full disk refused must not come again with the next lines.
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise ConfigError(
                "drop_log", f"cannot write {path}: {error.strerror}", "give a file in a folder that exists"
            ) from error
        self._waiting: deque[Entry] = deque()
        self._lost = 0
        self._lost_count = 0
        self._problem = ""
        self._is_cut = False
        self._lost_lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="drop_log", daemon=True)
        self._thread.start()

    def record(self, camera: str, stamp_ns: int | None, reason: DropReason) -> None:
        """Note one dropped frame."""
        if len(self._waiting) >= MAX_WAITING:
            self._add_lost(1)
        else:
            self._waiting.append((camera, stamp_ns, reason))

    @property
    def lost_count(self) -> int:
        """Entries that were lost since the start: the disk was full, or too slow."""
        return self._lost_count

    @property
    def problem(self) -> str:
        """Why the last write failed, in the system's words; empty where it did not."""
        return self._problem

    def close(self) -> None:
        """Write what waits and close the file. Harmless when called twice."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.wait(PERIOD_S):
            self._write()
        self._write()
        with contextlib.suppress(OSError):  # some systems say only here that the disk is full
            os.close(self._file)

    def _write(self) -> None:
        lines = []
        for _ in range(len(self._waiting)):
            camera, stamp_ns, reason = self._waiting.popleft()
            lines.append(json.dumps({"camera": camera, "stamp_ns": stamp_ns, "reason": reason.value}))
        with self._lost_lock:
            lost, self._lost = self._lost, 0
        if lost:
            lines.append(json.dumps({"lost_entries": lost}))
        if not lines:
            return
        written = self._append(lines)
        if written < len(lines):  # a full disk must not stop the cameras; the gap is named once there is room again
            with self._lost_lock:
                self._lost += lost
            self._add_lost(len(lines) - written - (1 if lost else 0))

    def _append(self, lines: list[str]) -> int:
        """Write them; how many lines stand whole in the file."""
        # A line that was cut off is ended first, so that what follows it can be read.
        prefix = b"\n" if self._is_cut else b""
        data = prefix + "".join(f"{line}\n" for line in lines).encode()
        done = 0
        try:
            while done < len(data):
                done += os.write(self._file, data[done:])
            self._problem = ""
        except OSError as error:
            self._problem = error.strerror or str(error)
        if done:
            self._is_cut = data[done - 1 : done] != b"\n"
        return data[len(prefix) : done].count(b"\n")

    def _add_lost(self, count: int) -> None:
        with self._lost_lock:
            self._lost += count
            self._lost_count += count
