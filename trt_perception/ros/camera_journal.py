"""Writes down what happens to one camera's frames: counters, drop log, rate-limited warnings, last fault."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Protocol

from trt_perception.errors import DropReason
from trt_perception.frame import EncodedFrame, Frame
from trt_perception.result import Result
from trt_perception.ros.counters import CameraCounters
from trt_perception.ros.drop_log import DropLog
from trt_perception.ros.fault_log import FaultLog
from trt_perception.ros.frame_passage import UNKNOWN, FramePassage
from trt_perception.ros.stamp_fault import StampFault


class Timings(Protocol):
    """Who is told where the time of frames went: `TimingPublisher`."""

    def processed(
        self, frame: Frame | EncodedFrame, pipeline: str, result: Result, passage: FramePassage, *, ready_ns: int
    ) -> None:
        """A pipeline's result has just been published."""

    def dropped(self, reason: DropReason, stamp_ns: int | None, passage: FramePassage) -> None:
        """A frame has ended without a result."""


class CameraJournal:
    """One camera's record. Every method may be called from every thread.

    Args:
        camera: Name of the camera.
        counters: Its counters.
        fault_log: Where faults are told.
        drop_log: Where dropped frames are listed, if anywhere.
        timings: Who is told where the time went, if anybody.
    """

    def __init__(
        self,
        camera: str,
        counters: CameraCounters,
        fault_log: FaultLog,
        drop_log: DropLog | None,
        *,
        timings: Timings | None = None,
    ) -> None:
        self.counters = counters
        self.last_fault = ""
        self._camera = camera
        self._fault_log = fault_log
        self._drop_log = drop_log
        self._timings = timings

    def result(
        self, frame: Frame | EncodedFrame, lane: str, result: Result, passage: FramePassage, *, ready_ns: int
    ) -> None:
        """A pipeline's result has been published.

        Args:
            frame: What it is the result of.
            lane: The pipeline.
            result: The result.
            passage: Of the image.
            ready_ns: Steady time at which the result was there.
        """
        self.counters.add_lane_result(lane, time.monotonic_ns(), inference_ns=result.times.inference_ns)
        if self._timings is not None:
            self._timings.processed(frame, lane, result, passage, ready_ns=ready_ns)

    def drop(
        self,
        reason: DropReason,
        stamp_ns: int | None,
        problem: str = "",
        *,
        passage: FramePassage = UNKNOWN,
    ) -> None:
        """A frame ends without a result.

        Args:
            reason: Why.
            stamp_ns: Its stamp; None where the message does not tell.
            problem: What exactly is wrong. Empty where that is no fault, or has been told already.
            passage: Of the image, as far as it came.
        """
        self.counters.add_dropped(reason)
        if self._timings is not None:
            self._timings.dropped(reason, stamp_ns, passage)
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
