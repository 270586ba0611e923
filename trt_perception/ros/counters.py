"""What became of one camera's frames."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from trt_perception.errors import DropReason
from trt_perception.ros.sample_window import SampleWindow
from trt_perception.ros.stamp_fault import StampFault

WINDOW_NS = 10_000_000_000
"""Time over which rates and percentiles are taken."""


@dataclass(frozen=True, kw_only=True)
class LaneCounts:
    """What one pipeline made of one camera's frames since it was activated for the first time.

    Args:
        results: Published results.
        unheard: Frames on which it did not run because nobody listened.
        failed: Frames on which it failed.
        inference_p50_ms: Median time of the model itself; None without results in the window.
    """

    results: int
    unheard: int
    failed: int
    inference_p50_ms: float | None


@dataclass(frozen=True, kw_only=True)
class CounterSnapshot:
    """The counters at one moment. `received` = `processed` + all of `dropped` + those still on their way.

    Args:
        received: Messages that came from the middleware.
        processed: Frames of which at least one pipeline published a result.
        dropped: Frames without any result, by reason.
        stamp_faults: Frames whose stamp or whose clock was at fault, by fault.
        image_changes: Times that the size or the encoding of the images changed.
        restarts: Times the worker was started anew after an unexpected exception.
        receiver_restarts: Times the process that receives the camera was lost, and a new one started.
        received_fps: Messages a second over the window.
        processed_fps: Results a second over the window.
        latency_p50_ms, latency_p99_ms: From the slot to the last published result; None without frames in the window.
        age_p50_ms, age_p99_ms: Image stamp to published result; None without frames whose age is known.
        last_received_ns: Steady time of the last message; 0 before the first.
        lanes: By pipeline.
    """

    received: int
    processed: int
    dropped: Mapping[DropReason, int]
    stamp_faults: Mapping[StampFault, int]
    restarts: int
    received_fps: float
    processed_fps: float
    latency_p50_ms: float | None
    latency_p99_ms: float | None
    age_p50_ms: float | None
    age_p99_ms: float | None
    last_received_ns: int
    lanes: Mapping[str, LaneCounts] = field(default_factory=dict)
    image_changes: int = 0
    receiver_restarts: int = 0


class _Lane:
    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.inference = SampleWindow(length_ns=WINDOW_NS)


class CameraCounters:
    """Counts one camera's frames. Every method may be called from every thread; memory is bounded.

    Args:
        lanes: Names of the camera's pipelines.
    """

    def __init__(self, lanes: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._received = 0
        self._processed = 0
        self._restarts = 0
        self._receiver_restarts = 0
        self._image_changes = 0
        self._last_received_ns = 0
        self._dropped: Counter[DropReason] = Counter()
        self._faults: Counter[StampFault] = Counter()
        self._lanes = {name: _Lane() for name in lanes}
        self._arrivals = SampleWindow(length_ns=WINDOW_NS)
        self._latencies = SampleWindow(length_ns=WINDOW_NS)
        self._ages = SampleWindow(length_ns=WINDOW_NS)

    @property
    def last_received_ns(self) -> int:
        """Steady time of the last message; 0 before the first."""
        return self._last_received_ns

    def received_fps(self, now_ns: int) -> float:
        """Messages a second over the window."""
        with self._lock:
            return self._arrivals.rate_hz(now_ns)

    def add_received(self, now_ns: int) -> None:
        """A message came from the middleware."""
        with self._lock:
            self._received += 1
            self._last_received_ns = now_ns
            self._arrivals.add(now_ns, 0)

    def add_dropped(self, reason: DropReason) -> None:
        """A frame ends without a result."""
        with self._lock:
            self._dropped[reason] += 1

    def add_stamp_faults(self, faults: Iterable[StampFault], *, clear_ages: bool = False) -> None:
        """A frame's stamp, or the clock it is compared with, was at fault.

        Args:
            faults: The faults.
            clear_ages: Whether ages from before cannot be compared with those after: a clock jumped.
        """
        with self._lock:
            self._faults.update(faults)
            if clear_ages:
                self._ages.clear()

    def add_processed(self, now_ns: int, *, latency_ns: int, age_ns: int | None) -> None:
        """A frame's results are published; `age_ns` is None where the age is not known."""
        with self._lock:
            self._processed += 1
            self._latencies.add(now_ns, latency_ns)
            if age_ns is not None:
                self._ages.add(now_ns, age_ns)

    def add_lane_result(self, lane: str, now_ns: int, *, inference_ns: int) -> None:
        """One pipeline published its result."""
        with self._lock:
            self._lanes[lane].counts["results"] += 1
            self._lanes[lane].inference.add(now_ns, inference_ns)

    def add_lane_unheard(self, lane: str) -> None:
        """One pipeline did not run: nobody listens."""
        with self._lock:
            self._lanes[lane].counts["unheard"] += 1

    def add_lane_failed(self, lane: str) -> None:
        """One pipeline failed."""
        with self._lock:
            self._lanes[lane].counts["failed"] += 1

    def add_restart(self) -> None:
        """The worker was started anew."""
        with self._lock:
            self._restarts += 1

    def add_receiver_restart(self) -> None:
        """The process that receives the camera was lost."""
        with self._lock:
            self._receiver_restarts += 1

    def add_image_change(self) -> None:
        """The images have another size or encoding than before."""
        with self._lock:
            self._image_changes += 1

    def snapshot(self, now_ns: int) -> CounterSnapshot:
        """All counters at one moment of the steady clock."""
        with self._lock:
            latency = _milliseconds(self._latencies.percentiles(now_ns, (50, 99)))
            age = _milliseconds(self._ages.percentiles(now_ns, (50, 99)))
            return CounterSnapshot(
                received=self._received,
                processed=self._processed,
                dropped=dict(self._dropped),
                stamp_faults=dict(self._faults),
                restarts=self._restarts,
                receiver_restarts=self._receiver_restarts,
                image_changes=self._image_changes,
                received_fps=self._arrivals.rate_hz(now_ns),
                processed_fps=self._latencies.rate_hz(now_ns),
                latency_p50_ms=latency[0],
                latency_p99_ms=latency[1],
                age_p50_ms=age[0],
                age_p99_ms=age[1],
                last_received_ns=self._last_received_ns,
                lanes={name: _lane_counts(lane, now_ns) for name, lane in self._lanes.items()},
            )


def _lane_counts(lane: _Lane, now_ns: int) -> LaneCounts:
    inference = lane.inference.percentiles(now_ns, (50,))
    return LaneCounts(
        results=lane.counts["results"],
        unheard=lane.counts["unheard"],
        failed=lane.counts["failed"],
        inference_p50_ms=None if inference is None else inference[0] / 1e6,
    )


def _milliseconds(values: tuple[float, ...] | None) -> tuple[float, float] | tuple[None, None]:
    return (None, None) if values is None else (values[0] / 1e6, values[1] / 1e6)
