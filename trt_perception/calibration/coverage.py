"""What the chosen frames cover, and what they lack."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from trt_perception.calibration.candidate import BRIGHTNESS_BANDS, Candidate
from trt_perception.calibration.frame_sampler import FrameSample
from trt_perception.calibration.image_source import CONDITION_TOPIC

EXPECTED_CONDITIONS = ("day", "dusk", "night", "rain", "fog", "glare")
SHORT_S = 60.0
"""Frames from less time than this are likely to show one scene."""

_QUARTERS = ("first quarter", "second quarter", "third quarter", "last quarter")


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """Chosen frames by what tells them apart.

    Args:
        frames: Chosen frames.
        image_count: Images of all sources.
        looked_at: Images that were decoded to choose from them.
        unreadable: Those that cannot be used, each with its reason.
        cameras: Frames by camera.
        brightness: Frames by brightness band, all bands named.
        conditions: Frames by condition; ``unknown`` where a source does not say.
        times: Frames by quarter of their source's time.
        span_s: Time between the first and the last frame of each source, added up.
        warnings: What is missing, a sentence each.
    """

    frames: int
    image_count: int
    looked_at: int
    unreadable: tuple[str, ...]
    cameras: Mapping[str, int]
    brightness: Mapping[str, int]
    conditions: Mapping[str, int]
    times: Mapping[str, int]
    span_s: float
    warnings: tuple[str, ...]

    def rows(self) -> list[tuple[str, str, int]]:
        """Rows of a table: what, which, frames."""
        parts = {
            "camera": self.cameras,
            "brightness": self.brightness,
            "condition": self.conditions,
            "time": self.times,
        }
        return [(what, name, count) for what, counts in parts.items() for name, count in counts.items()]

    def to_plain(self) -> dict[str, Any]:
        """As JSON knows it."""
        return {**asdict(self), "unreadable": list(self.unreadable), "warnings": list(self.warnings)}


def coverage(sample: FrameSample) -> Coverage:
    """What a sample covers."""
    chosen = sample.chosen
    bands = Counter(image.band for image in chosen)
    cameras = Counter(image.camera for image in chosen)
    conditions = Counter(image.condition or "unknown" for image in chosen)
    spans = _spans(chosen)
    span_s = sum(last - first for first, last in spans.values()) / 1e9
    times = Counter(_quarter(image, *spans[image.source]) for image in chosen)
    counts = {name: bands[name] for name, _ in BRIGHTNESS_BANDS}
    return Coverage(
        frames=len(chosen),
        image_count=sample.image_count,
        looked_at=sample.looked_at,
        unreadable=sample.unreadable,
        cameras=dict(sorted(cameras.items())),
        brightness=counts,
        conditions=dict(sorted(conditions.items())),
        times={name: times[name] for name in _QUARTERS},
        span_s=span_s,
        warnings=(
            *_warnings(cameras, counts, conditions, span_s, len(sample.unreadable)),
            *([f"{sample.unpaired} images have no partner and are left out"] if sample.unpaired else []),
        ),
    )


def _spans(chosen: Sequence[Candidate]) -> dict[int, tuple[int, int]]:
    """First and last time of each source's frames, nanoseconds."""
    times: dict[int, list[int]] = {}
    for image in chosen:
        times.setdefault(image.source, []).append(image.time_ns)
    return {source: (min(values), max(values)) for source, values in times.items()}


def _quarter(image: Candidate, first: int, last: int) -> str:
    return _QUARTERS[min(3, 4 * (image.time_ns - first) // max(1, last - first))]


def _warnings(
    cameras: Mapping[str, int], bands: Mapping[str, int], conditions: Mapping[str, int], span_s: float, unreadable: int
) -> list[str]:
    found = []
    if len(cameras) == 1:
        found.append(f"one camera only ({next(iter(cameras))}): the others' pictures may have other ranges")
    if not bands["dark"]:
        found.append("no dark frame (mean luma below 50): no night, no tunnel")
    if not bands["dim"]:
        found.append("no dim frame (mean luma 50 to 90): no dusk, no heavy weather")
    if not (bands["normal"] or bands["bright"]):
        found.append("no frame of daylight (mean luma from 90 on)")
    if set(conditions) == {"unknown"}:
        found.append(f"conditions unknown: no {CONDITION_TOPIC} (std_msgs/String) to tell night, rain or fog apart")
    elif missing := [name for name in EXPECTED_CONDITIONS if name not in conditions]:
        found.append(f"no frame of these conditions: {', '.join(missing)}")
    if span_s < SHORT_S:
        found.append(f"the frames span {span_s:.1f} s: likely one scene; {SHORT_S:.0f} s and more are better")
    if unreadable:
        found.append(f"{unreadable} of the images looked at cannot be used")
    return found
