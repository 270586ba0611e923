"""Writes down what happens to one camera's frames: counters, drop log, rate-limited warnings, last fault."""

from __future__ import annotations

import time
from collections.abc import Iterable

from trt_perception.errors import DropReason
from trt_perception.ros.counters import CameraCounters
from trt_perception.ros.drop_log import DropLog
from trt_perception.ros.fault_log import FaultLog
from trt_perception.ros.stamp_fault import StampFault


class CameraJournal:
    """One camera's record. Every method may be called from every thread.

    Args:
        camera: Name of the camera.
        counters: Its counters.
        fault_log: Where faults are told.
        drop_log: Where dropped frames are listed, if anywhere.
    """

    def __init__(self, camera: str, counters: CameraCounters, fault_log: FaultLog, drop_log: DropLog | None) -> None:
        self.counters = counters
        self.last_fault = ""
        self._camera = camera
        self._fault_log = fault_log
        self._drop_log = drop_log

    def drop(self, reason: DropReason, stamp_ns: int | None, problem: str = "") -> None:
        """A frame ends without a result.

        Args:
            reason: Why.
            stamp_ns: Its stamp; None where the message does not tell.
            problem: What exactly is wrong. Empty where that is no fault, or has been told already.
        """
        self.counters.add_dropped(reason)
        if self._drop_log is not None:
            self._drop_log.record(self._camera, stamp_ns, reason)
        if problem:
            self.fault(reason.value, f"frame dropped, {problem}")

    def stamp_faults(self, faults: Iterable[StampFault]) -> None:
        """A stamp, or the clock that it is compared with, is at fault."""
        faults = tuple(faults)
        self.counters.add_stamp_faults(faults, clear_ages=any(fault.breaks_ages for fault in faults))
        for fault in faults:
            self.fault(fault.value, fault.explanation)

    def lane_failed(self, lane: str, error: Exception) -> None:
        """A pipeline failed on a frame."""
        self.counters.add_lane_failed(lane)
        self.fault(f"pipeline {lane} failed", f"pipeline {lane} failed: {error}")

    def fault(self, kind: str, text: str) -> None:
        """Warn, at most once in ten seconds for each kind. The first line is what diagnostics show."""
        self.last_fault = text.partition("\n")[0]
        self._fault_log.report(self._camera, kind, text, now_ns=time.monotonic_ns())
