"""The thread that takes the newest frame of a camera, or set of several, runs its pipelines and publishes."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Generic

from trt_perception.errors import DeviceError, DropReason, FrameError, PerceptionError
from trt_perception.frame import EncodedFrame, Frame
from trt_perception.result import Result
from trt_perception.ros.camera_journal import CameraJournal
from trt_perception.ros.frame_passage import FramePassage
from trt_perception.ros.lane import Lane
from trt_perception.ros.work import W, WaitingWork
from trt_perception.runtime.ticket import Ticket
from trt_perception.settings.camera_settings import CameraSettings

POLL_S = 0.1
"""Longest wait for a frame before the watchdog is looked at."""
Ranges = Callable[[str], AbstractContextManager[object]]
"""Makes a range of that name: `trt_perception.runtime.trace_ranges.TraceRanges`."""
Frames = Sequence[Frame | EncodedFrame]
"""One for each input of the model."""

RESTART_S = 0.1
"""Pause after an unexpected exception, so that one that comes every time does not fill the processor."""


class CameraWorker(Generic[W]):
    """Processes one camera's frames, or the sets that it is the first of, one at a time, from `start` to `stop`.

    Args:
        settings: The camera.
        slot: Where the newest frame waits.
        lanes: The camera's pipelines: begun, then published, in this order.
        decode: Turns what was received into the frames of the model's inputs, for that many pipelines; raises
            FrameError.
        note: Told of what was received, its frames and a result of it, before that is published.
        journal: Where everything is written down.
        ros_now_ns: The node's clock, which image stamps are compared with.
        watch: Called about ten times a second between frames.
        on_lost_device: Told when only a new process can go on.
        ranges: Names the stages of each frame to a profiler.
        name: Of the thread. Empty: after the camera.
    """

    def __init__(
        self,
        settings: CameraSettings,
        *,
        slot: WaitingWork[W],
        lanes: Sequence[Lane],
        decode: Callable[[W, int], Frames],
        note: Callable[[W, Frames, Result], object],
        journal: CameraJournal,
        ros_now_ns: Callable[[], int],
        watch: Callable[[], object],
        on_lost_device: Callable[[DeviceError], object] = lambda error: None,
        ranges: Ranges = lambda name: nullcontext(),
        name: str = "",
    ) -> None:
        self.is_enabled = settings.enabled
        self.busy_since_ns = 0
        self._max_age_ns = int(settings.max_age_ms * 1e6)
        self._slot = slot
        self._lanes = tuple(lanes)
        self._decode = decode
        self._note = note
        self._journal = journal
        self._ros_now_ns = ros_now_ns
        self._watch = watch
        self._on_lost_device = on_lost_device
        self._ranges = ranges
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name or f"camera {settings.name}", daemon=True)

    def start(self) -> None:
        """Begin; a worker starts once."""
        self._thread.start()

    def request_stop(self) -> None:
        """End after the frame at hand, without waiting for it."""
        self._stopping.set()
        self._slot.wake()

    def stop(self, timeout_s: float) -> bool:
        """End after the frame at hand; whether it ended in time."""
        self.request_stop()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._loop()
            except BaseException as error:  # whatever it is, SystemExit too, the camera must not stay blind
                self._journal.counters.add_restart()
                text = "".join(traceback.format_exception(error)).rstrip()
                what = f"{type(error).__name__}: {error}".partition("\n")[0]
                self._journal.fault("worker restarted", f"worker restarted after an unexpected {what}\n{text}")
                self._stopping.wait(RESTART_S)

    def _loop(self) -> None:
        while not self._stopping.is_set():
            self._take_one()
            self._watch()

    def _take_one(self) -> None:
        """Wait for a frame and handle it. It is not held while the next one is waited for: its memory may be scarce."""
        image = self._slot.take(POLL_S)
        if image is None:
            return
        self.busy_since_ns = time.monotonic_ns()
        try:
            self._handle(image)
        finally:
            self.busy_since_ns = 0

    def _handle(self, image: W) -> None:
        """One frame, from the slot to its place in the counters."""
        if not self.is_enabled:
            self._drop(image, DropReason.DISABLED)
            return
        if self._is_stale(image):
            self._drop(image, DropReason.STALE, f"stale: older than {self._max_age_ns / 1e6:g} ms")
            return
        lanes = [lane for lane in self._lanes if self._is_wanted(lane)]
        if not lanes:
            self._drop(image, DropReason.NO_LISTENER)
            return
        self._process(image, lanes)
        self._catch_up(lanes)

    def _is_stale(self, image: W) -> bool:
        # A stamp of zero has no age. One from another time may well be "stale": the deadline means what it says.
        return bool(self._max_age_ns and image.stamp_ns and self._ros_now_ns() - image.stamp_ns > self._max_age_ns)

    def _is_wanted(self, lane: Lane) -> bool:
        wanted = lane.is_wanted()
        if not wanted:
            self._journal.counters.add_lane_unheard(lane.name)
        return wanted

    def _process(self, image: W, lanes: Sequence[Lane]) -> None:
        """Run the pipelines; whatever happens, the frame ends as processed or as dropped for one reason."""
        published = 0
        reason, problem = DropReason.INFERENCE_FAILED, ""
        begun: list[tuple[Lane, Ticket]] = []
        try:
            with self._ranges("decode image"):
                frames = self._decode(image, len(lanes))
            begun = self._start(lanes, frames)
            for lane, ticket in begun:
                try:
                    self._finish(image, lane, frames, ticket)
                    published += 1
                except PerceptionError as error:
                    if isinstance(error, FrameError) and len(lanes) == 1:
                        raise  # the frame's fault, not the pipeline's
                    if self._failed(lane, error):
                        break
        except FrameError as error:
            reason, problem = error.reason, str(error)
        finally:
            if published:
                self._count_processed(image)
            else:
                self._drop(image, reason, problem)
            for lane, ticket in begun:  # whoever sent the pixels may take them back now
                lane.settle(ticket)

    def _start(self, lanes: Sequence[Lane], frames: Frames) -> list[tuple[Lane, Ticket]]:
        """Begin in every lane before the first is waited for, so that they overlap on the GPU."""
        begun: list[tuple[Lane, Ticket]] = []
        for lane in lanes:
            try:
                with self._ranges(f"start {lane.name}"):
                    begun.append((lane, lane.start(frames)))
            except PerceptionError as error:
                begun.append((lane, Ticket.failed(error)))
                if isinstance(error, DeviceError) and error.is_sticky:
                    break
        return begun

    def _finish(self, image: W, lane: Lane, frames: Frames, ticket: Ticket) -> None:
        with self._ranges(f"wait for {lane.name}"):
            result = ticket.result()
        ready_ns = time.monotonic_ns()
        self._note(image, frames, result)
        with self._ranges(f"publish {lane.name}"):
            lane.output.publish(frames[0], result)
        self._journal.result(frames[0], lane.name, result, self._passage(image), ready_ns=ready_ns)

    def _drop(self, image: W, reason: DropReason, problem: str = "") -> None:
        image.drop(reason, problem, started_ns=self.busy_since_ns)

    def _passage(self, image: W) -> FramePassage:
        return replace(image.passage, started_ns=self.busy_since_ns)

    def _failed(self, lane: Lane, error: PerceptionError) -> bool:
        """Write down that a lane failed; whether nothing can be done any more in this process."""
        if isinstance(error, DeviceError) and error.is_sticky:
            self._journal.counters.add_lane_failed(lane.name)
            self._on_lost_device(error)  # who ends the process says why, once
            return True
        self._journal.lane_failed(lane.name, error)
        return False

    def _catch_up(self, lanes: Sequence[Lane]) -> None:
        """Let the pipelines prepare for frames like the last one, now that its results are out."""
        for lane in lanes:
            try:
                with self._ranges(f"catch up {lane.name}"):
                    lane.catch_up()
            except PerceptionError as error:
                if self._failed(lane, error):
                    break

    def _count_processed(self, image: W) -> None:
        image.processed(now_ns=time.monotonic_ns(), ros_now_ns=self._ros_now_ns(), started_ns=self.busy_since_ns)
