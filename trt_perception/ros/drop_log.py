"""Every dropped frame as a line of a file: what became of a stamp that has no result."""

from __future__ import annotations

import json
import threading
from collections import deque
from pathlib import Path
from typing import TextIO

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
            self._file: TextIO = path.open("a", encoding="utf-8")
        except OSError as error:
            raise ConfigError(
                "drop_log", f"cannot write {path}: {error.strerror}", "give a file in a folder that exists"
            ) from error
        self._waiting: deque[Entry] = deque()
        self._lost = 0
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

    def close(self) -> None:
        """Write what waits and close the file. Harmless when called twice."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        with self._file:
            while not self._closing.wait(PERIOD_S):
                self._write()
            self._write()

    def _write(self) -> None:
        lines = []
        for _ in range(len(self._waiting)):
            camera, stamp_ns, reason = self._waiting.popleft()
            lines.append(json.dumps({"camera": camera, "stamp_ns": stamp_ns, "reason": reason.value}))
        with self._lost_lock:
            lost, self._lost = self._lost, 0
        if lost:
            lines.append(json.dumps({"lost_entries": lost}))
        if lines:
            try:
                self._file.write("\n".join(lines) + "\n")
                self._file.flush()
            except OSError:  # a full disk must not stop the cameras; the gap is named once there is room again
                self._add_lost(lost + len(lines))

    def _add_lost(self, count: int) -> None:
        with self._lost_lock:
            self._lost += count
