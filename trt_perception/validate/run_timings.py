"""How long the frames of a run took: timings.json, the one result that differs from run to run."""

from __future__ import annotations

import json
from array import array
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from trt_perception.options.write_atomically import write_atomically
from trt_perception.validate.frame_record import FrameRecord
from trt_perception.validate.time_counts import TimeCounts

STAGES = ("decode", "preprocess", "inference", "postprocess", "total")
BINS = 40


class RunTimings:
    """Collects the times of every processed frame.

    Args:
        backend: Full name of what ran the model.
        processes: Processes that ran frames.
        kept_frames: Frames that an earlier, ended run had done already.
    """

    def __init__(self, *, backend: str, processes: int, kept_frames: int) -> None:
        self._backend, self._processes, self._kept = backend, processes, kept_frames
        self._times: dict[str, array[int]] = {}
        self._frames = 0
        self._started = perf_counter()
        self._run_s: float | None = None

    def stop_clock(self) -> None:
        """The frames are done; what follows is putting them together."""
        self._run_s = perf_counter() - self._started

    def add(self, record: FrameRecord, times_ns: Sequence[int]) -> None:
        """Count one frame; a skipped one has no times."""
        self._frames += record.frame_count
        if times_ns:
            self._times.setdefault(record.camera, array("q")).extend([*times_ns, sum(times_ns)])

    def write(self, path: Path) -> None:
        """Write the file, replacing an older one.

        Raises:
            OSError: The disk is full.
        """
        write_atomically(path, (json.dumps(self._to_plain(), indent=1) + "\n").encode())

    def _to_plain(self) -> dict[str, Any]:
        wall_s = perf_counter() - self._started
        run_s = wall_s if self._run_s is None else self._run_s
        frames = self._frames - self._kept
        everything = array("q")
        for times in self._times.values():
            everything.extend(times)
        return {
            "schema": 1,
            "backend": self._backend,
            "processes": self._processes,
            "frames": self._frames,
            "frames_of_earlier_runs": self._kept,
            "frames_s": run_s,
            "wall_s": wall_s,
            "frames_per_s": frames / wall_s if frames else None,
            "stages_ms": {
                name: _percentiles(times) for name, times in [("all", everything), *sorted(self._times.items())]
            },
            "histogram": _histogram(everything),
            "counts": {camera: _counts(times) for camera, times in sorted(self._times.items())},
        }


def _histogram(times_ns: array[int]) -> dict[str, list[float]] | None:
    """How many frames took how long in all: 40 bins up to the 99.9th percentile, what took longer in the last."""
    if not times_ns:
        return None
    total_ms = np.frombuffer(times_ns, np.int64).reshape(-1, len(STAGES))[:, -1] / 1e6
    edges = np.linspace(0.0, float(np.percentile(total_ms, 99.9)), BINS + 1)
    counts, _ = np.histogram(np.minimum(total_ms, edges[-1]), edges)
    return {"edges_ms": edges.tolist(), "counts": counts.tolist()}


def _counts(times_ns: array[int]) -> dict[str, dict[str, Any]]:
    """What merging needs: percentiles of two runs do not give those of both."""
    table = np.frombuffer(times_ns, np.int64).reshape(-1, len(STAGES))
    return {stage: TimeCounts.of(table[:, column]).to_plain() for column, stage in enumerate(STAGES)}


def _percentiles(times_ns: array[int]) -> dict[str, dict[str, float]]:
    table = np.frombuffer(times_ns, np.int64).reshape(-1, len(STAGES)) / 1e6 if times_ns else None
    if table is None:
        return {}
    return {
        stage: {
            "p50": float(np.percentile(table[:, column], 50)),
            "p90": float(np.percentile(table[:, column], 90)),
            "p99": float(np.percentile(table[:, column], 99)),
            "max": float(table[:, column].max()),
            "mean": float(table[:, column].mean()),
        }
        for column, stage in enumerate(STAGES)
    }
