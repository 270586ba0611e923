"""timings.json of several runs as one, as if they had run one after another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trt_perception.errors import InputError
from trt_perception.validate.run_timings import BINS, STAGES
from trt_perception.validate.time_counts import TimeCounts

_SUMS = ("frames", "frames_of_earlier_runs", "frames_s", "wall_s")


def merge_timings(timings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Percentiles are those of all frames, to within half a percent; times and frames are sums.

    Args:
        timings: Content of each run's timings.json, merged ones included.

    Raises:
        InputError: One of them is damaged.
    """
    try:
        sums = {name: sum(plain[name] for plain in timings) for name in _SUMS}
        cameras = sorted({camera for plain in timings for camera in plain["counts"]})
        counts = {
            camera: {
                stage: TimeCounts.merged(
                    TimeCounts.from_plain(plain["counts"][camera][stage])
                    for plain in timings
                    if camera in plain["counts"]
                )
                for stage in STAGES
            }
            for camera in cameras
        }
        processes = max(plain["processes"] for plain in timings)
        backends = sorted({name for plain in timings for name in plain["backend"].split(" | ")})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"merge: the timings.json of a run is damaged: {error!r}; remove it or run again") from error
    together = {stage: TimeCounts.merged(of_camera[stage] for of_camera in counts.values()) for stage in STAGES}
    fresh = sums["frames"] - sums["frames_of_earlier_runs"]
    return {
        "schema": 1,
        "backend": " | ".join(backends),
        "processes": processes,
        **sums,
        "frames_per_s": fresh / sums["wall_s"] if fresh and sums["wall_s"] else None,
        "stages_ms": {
            name: {stage: found.summary() for stage, found in of_stage.items() if found.count}
            for name, of_stage in [("all", together), *counts.items()]
        },
        "histogram": together["total"].histogram(BINS) if together["total"].count else None,
        "counts": {
            camera: {stage: found.to_plain() for stage, found in of_stage.items()}
            for camera, of_stage in counts.items()
        },
    }
