"""One camera from received bytes to published results."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

from trt_perception.cdr.compressed_image_message import parse_compressed_image
from trt_perception.cdr.image_message import ImageMessage, frame_from_image, parse_image
from trt_perception.errors import DeviceError, DropReason, FrameError
from trt_perception.frame import EncodedFrame, Frame
from trt_perception.preprocess.decode_image import decode_image
from trt_perception.result import Result
from trt_perception.ros.camera_journal import CameraJournal
from trt_perception.ros.camera_set import CameraSet
from trt_perception.ros.camera_worker import CameraWorker, Frames, Ranges
from trt_perception.ros.counters import CounterSnapshot
from trt_perception.ros.frame_passage import FramePassage
from trt_perception.ros.lane import Lane
from trt_perception.ros.received_image import ReceivedImage
from trt_perception.ros.seen_image import SeenImage
from trt_perception.ros.shared_end import SharedEnd
from trt_perception.ros.slot import Slot
from trt_perception.ros.stamp_monitor import StampMonitor
from trt_perception.ros.watchdog import Watchdog
from trt_perception.settings.camera_settings import CameraSettings, Transport

Bridge = Callable[[bytes, str], Frame]
"""Converts a serialized sensor_msgs/Image of an encoding that we do not know; camera name second."""


@dataclass(frozen=True, kw_only=True)
class ChannelSnapshot:
    """One camera at one moment, for diagnostics.

    Args:
        settings: The camera.
        is_active: Whether it takes frames.
        is_enabled: Whether its service, or the config, lets it be processed.
        counters: What became of its frames.
        busy_since_ns: Steady time since which the worker is at one frame; 0 = waiting.
        last_fault: What went wrong last, in words.
        listening: Names of its pipelines that somebody listens to.
        active_since_ns: Steady time of the activation; 0 where not active.
        image: Size and encoding of the last image, in words; empty before the first.
        message_bytes: Size of the last message; 0 before the first.
        leads_sets: Whether it is the first camera of a set.
        incomplete: What kept the sets that it leads from being complete lately, in words.
    """

    settings: CameraSettings
    is_active: bool
    is_enabled: bool
    counters: CounterSnapshot
    busy_since_ns: int
    last_fault: str
    listening: tuple[str, ...]
    active_since_ns: int
    image: str = ""
    message_bytes: int = 0
    leads_sets: bool = False
    incomplete: tuple[str, ...] = ()


class CameraChannel:
    """One camera: takes serialized messages on the executor's thread, processes them on a thread of its own.

    Args:
        settings: The camera.
        lanes: Its pipelines, in the config's order.
        journal: Where everything is written down.
        ros_now_ns: The node's clock.
        sim_time: Whether the node's clock is /clock.
        bridge: Converter for unknown encodings, where cv_bridge is installed.
        say: Takes one line that is no fault: a camera came, or came back.
        on_lost_device: Told when only a new process can go on.
        ranges: Names the stages of each frame to a profiler.
    """

    def __init__(
        self,
        settings: CameraSettings,
        *,
        lanes: Sequence[Lane],
        journal: CameraJournal,
        ros_now_ns: Callable[[], int],
        sim_time: bool = False,
        bridge: Bridge | None = None,
        say: Callable[[str], object] = lambda line: None,
        on_lost_device: Callable[[DeviceError], object] = lambda error: None,
        ranges: Ranges = lambda name: nullcontext(),
    ) -> None:
        self.settings = settings
        self._lanes = tuple(lanes)
        self._journal = journal
        self._ros_now_ns = ros_now_ns
        self._sim_time = sim_time
        self._bridge = bridge
        self._say = say
        self._on_lost_device = on_lost_device
        self._ranges = ranges
        self._is_enabled = settings.enabled
        self._slot: Slot[ReceivedImage] = Slot()
        self._monitor = StampMonitor(sim_time=sim_time)
        self._watchdog = Watchdog(timeout_ns=0, start_ns=0)
        self._worker: CameraWorker[ReceivedImage] | None = None
        self._seen = SeenImage(journal)
        self._sets: tuple[tuple[CameraSet, int], ...] = ()
        self._active_since_ns = 0
        self._message_bytes = 0
        self._received_count = 0

    @property
    def is_enabled(self) -> bool:
        """Whether the camera's frames are processed."""
        return self._is_enabled

    @is_enabled.setter
    def is_enabled(self, value: bool) -> None:
        self._is_enabled = value
        if self._worker is not None:
            self._worker.is_enabled = value
        for each, _ in self._sets:
            each.note_enabled()

    @property
    def journal(self) -> CameraJournal:
        """Where everything is written down."""
        return self._journal

    @property
    def is_single(self) -> bool:
        """Whether it has pipelines of its own."""
        return bool(self._lanes)

    @property
    def most_held_by_sets(self) -> int:
        """Images that its sets hold at once, at most."""
        return sum(each.most_held for each, _ in self._sets)

    def join(self, camera_set: CameraSet, source: int) -> None:
        """Give every image to a set as well, as that source of it. To be called before `start`."""
        self._sets += ((camera_set, source),)

    def bytes_per_s(self, now_ns: int) -> float:
        """Bytes of the messages that come in a second, taken as large as the last one."""
        return self._message_bytes * self._journal.counters.received_fps(now_ns)

    def start(self) -> None:
        """Begin to take frames."""
        self._active_since_ns = time.monotonic_ns()
        self._slot = Slot()
        self._seen = SeenImage(self._journal)
        self._monitor = StampMonitor(sim_time=self._sim_time)
        self._watchdog = Watchdog(timeout_ns=int(self.settings.timeout_ms * 1e6), start_ns=self._active_since_ns)
        self._worker = CameraWorker(
            self.settings,
            slot=self._slot,
            lanes=self._lanes,
            decode=self._frames,
            note=self._note,
            journal=self._journal,
            ros_now_ns=self._ros_now_ns,
            watch=self._watch,
            on_lost_device=self._on_lost_device,
            ranges=self._ranges,
        )
        self._worker.is_enabled = self._is_enabled
        self._worker.start()

    def request_stop(self) -> None:
        """Let the worker end after the frame at hand, without waiting for it."""
        if self._worker is not None:
            self._worker.request_stop()

    def stop(self, timeout_s: float = 2.0) -> bool:
        """Take no more frames; what waits is dropped as inactive. Whether the worker ended in time."""
        worker, self._worker = self._worker, None
        if worker is None:
            return True
        self._active_since_ns = 0
        ended = worker.stop(timeout_s)
        self._drop_waiting(self._slot)
        return ended

    def _is_active(self) -> bool:
        return self._worker is not None

    def _drop_waiting(self, slot: Slot[ReceivedImage]) -> None:
        left = slot.take(0.0)
        if left is not None:
            left.drop(DropReason.INACTIVE)

    def receive(self, data: bytes | memoryview, received_ns: int = 0) -> None:
        """Take one serialized message. Called for every image, by one thread at a time: short, and never raises.

        Args:
            data: The message.
            received_ns: Steady time at which it came from the middleware. 0: now.
        """
        passage = self._count_received(received_ns)
        self._message_bytes = len(data)
        stamp_ns: int | None = None
        try:
            message = self._parse(data)
            stamp_ns = message.stamp_ns
            content = self._frame(message) if isinstance(message, ImageMessage) else message
            self._accept(content, stamp_ns, data, passage)
        except FrameError as error:
            self._journal.drop(error.reason, stamp_ns, str(error), passage=passage)
        except Exception as error:  # an exception here would end the executor, and every camera with it
            problem = f"{type(error).__name__}: {error}"
            self._journal.drop(DropReason.MALFORMED, stamp_ns, problem, passage=passage)

    def note_dropped(self, reason: DropReason, stamp_ns: int | None, problem: str) -> None:
        """Count a message that a receiver process took, and could not hand over."""
        passage = self._count_received()
        self._journal.drop(reason, stamp_ns, problem, passage=passage)

    def note_receiver_lost(self, text: str) -> None:
        """Write down that the receiver process of this camera is gone."""
        self._journal.counters.add_receiver_restart()
        self._journal.fault("receiver lost", text)

    def _count_received(self, received_ns: int = 0) -> FramePassage:
        steady_ns = time.monotonic_ns()
        self._journal.counters.add_received(steady_ns)
        self._received_count += 1
        return FramePassage(sequence=self._received_count, received_ns=received_ns or steady_ns)

    def _accept(
        self,
        content: Frame | EncodedFrame | ImageMessage,
        stamp_ns: int,
        data: bytes | memoryview,
        passage: FramePassage,
    ) -> None:
        """Judge the stamp and put the frame into the slot."""
        verdict = self._monitor.judge(stamp_ns, now_ns=self._ros_now_ns(), steady_ns=time.monotonic_ns())
        if verdict.faults:
            self._journal.stamp_faults(verdict.faults)
        if verdict.drop is not None:
            problem = f"{verdict.drop.value}: its stamp is not after the last one's"
            self._journal.drop(verdict.drop, stamp_ns, problem, passage=passage)
            return
        if not self._is_active():
            self._journal.drop(DropReason.INACTIVE, stamp_ns, passage=passage)
            return
        image = ReceivedImage(stamp_ns, verdict.age_is_known, content, data, passage, self._journal)
        if self._sets:
            self._share(image)
        else:
            self._put(image)

    def _put(self, image: ReceivedImage) -> None:
        slot = self._slot
        replaced = slot.put(image)
        if replaced is not None:
            replaced.drop(DropReason.REPLACED)
        if not self._is_active():  # stopped meanwhile, by another thread
            self._drop_waiting(slot)

    def _share(self, image: ReceivedImage) -> None:
        """To the sets, and to the worker where it has something to do."""
        end = SharedEnd(self._journal, image.stamp_ns, takers=len(self._sets) + self.is_single)
        image = replace(image, end=end)
        for each, source in self._sets:
            each.put(source, image)
        if self.is_single:
            self._put(image)

    def snapshot(self, now_ns: int) -> ChannelSnapshot:
        """The camera at one moment of the steady clock."""
        worker = self._worker
        return ChannelSnapshot(
            settings=self.settings,
            is_active=worker is not None,
            is_enabled=self._is_enabled,
            counters=self._journal.counters.snapshot(now_ns),
            busy_since_ns=0 if worker is None else self._busy_since_ns(worker),
            last_fault=self._journal.last_fault,
            listening=(
                *(lane.name for lane in self._lanes if lane.output.has_listeners()),
                *(each.lane_name for each, _ in self._sets if each.is_heard),
            ),
            active_since_ns=self._active_since_ns,
            image="" if worker is None else self._seen.text,
            message_bytes=self._message_bytes,
            leads_sets=any(not source for _, source in self._sets),
            incomplete=tuple(filter(None, (each.incomplete(now_ns) for each, source in self._sets if not source))),
        )

    def _busy_since_ns(self, worker: CameraWorker[ReceivedImage]) -> int:
        """Of the worker, or of the set's that it leads, whichever is longer at one frame."""
        since = (worker.busy_since_ns, *(each.busy_since_ns for each, source in self._sets if not source))
        return min(filter(None, since), default=0)

    def note_image(self, image: ReceivedImage, frame: Frame | EncodedFrame, size: tuple[int, int] | None) -> None:
        """Take down what an image looks like that only sets take; one that the worker takes is known already."""
        if not self.is_single:
            self._seen.note(image, frame, size)

    def _parse(self, data: bytes | memoryview) -> ImageMessage | EncodedFrame:
        if self.settings.transport is Transport.COMPRESSED:
            return parse_compressed_image(data, self.settings.name)
        return parse_image(data)

    def _frame(self, message: ImageMessage) -> Frame | ImageMessage:
        try:
            return frame_from_image(message, self.settings.name)
        except FrameError as error:
            if error.reason is DropReason.UNKNOWN_ENCODING and self._bridge is not None:
                return message
            raise

    def _frames(self, image: ReceivedImage, lane_count: int) -> tuple[Frame | EncodedFrame]:
        return (self.decode(image, lane_count),)

    def _note(self, image: ReceivedImage, frames: Frames, result: Result) -> None:
        self._seen.note(image, frames[0], result.image_size)

    def decode(self, image: ReceivedImage, lane_count: int) -> Frame | EncodedFrame:
        """The frame for so many pipelines. A compressed one is unpacked once for all, and by itself where there is one.

        Raises:
            FrameError: It cannot be used.
        """
        if isinstance(image.content, Frame):
            return image.content
        if isinstance(image.content, EncodedFrame):
            return decode_image(image.content) if lane_count > 1 else image.content
        if self._bridge is None:
            raise FrameError(DropReason.UNKNOWN_ENCODING, f"encoding {image.content.encoding!r} needs cv_bridge")
        return self._bridge(bytes(image.data), self.settings.name)

    def _watch(self) -> None:
        event = self._watchdog.check(self._journal.counters.last_received_ns, time.monotonic_ns())
        if event is None:
            return
        if event.is_silence:
            self._journal.fault("silent", event.text)
        else:
            self._say(f"camera {self.settings.name}: {event.text}")
