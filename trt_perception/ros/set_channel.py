"""One set of cameras from received images to the results of one run of a model."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext

from trt_perception.errors import DeviceError, DropReason
from trt_perception.frame import EncodedFrame, Frame
from trt_perception.pairing.paired_set import UnpairedFrame
from trt_perception.pairing.pairing_options import PairingOptions
from trt_perception.result import Result
from trt_perception.ros.camera_channel import CameraChannel
from trt_perception.ros.camera_worker import CameraWorker, Frames, Ranges
from trt_perception.ros.lane import Lane
from trt_perception.ros.received_image import ReceivedImage
from trt_perception.ros.received_set import ReceivedSet
from trt_perception.ros.set_slot import SetSlot
from trt_perception.ros.set_state import SetState


class SetChannel:
    """Takes the images of its cameras on the threads that receive them, processes the sets on a thread of its own.

    What a frame's deadline, priority and name mean is the first camera's. One that is switched off gives nothing.

    Args:
        lane: The pipeline.
        cameras: In the order of the model's inputs; each is told to give its images here.
        options: When images belong together.
        ros_now_ns: The node's clock.
        say: Takes one line that is no fault: the set is complete again.
        on_lost_device: Told when only a new process can go on.
        ranges: Names the stages of each set to a profiler.
    """

    def __init__(
        self,
        lane: Lane,
        *,
        cameras: Sequence[CameraChannel],
        options: PairingOptions,
        ros_now_ns: Callable[[], int],
        say: Callable[[str], object] = lambda line: None,
        on_lost_device: Callable[[DeviceError], object] = lambda error: None,
        ranges: Ranges = lambda name: nullcontext(),
    ) -> None:
        self._lane = lane
        self._cameras = tuple(cameras)
        self._options = options
        self._ros_now_ns = ros_now_ns
        self._say = say
        self._on_lost_device = on_lost_device
        self._ranges = ranges
        self._names = [camera.settings.name for camera in cameras]
        self._slot = self._make_slot()
        self._state = SetState(lane.name, self._names, options)
        self._worker: CameraWorker[ReceivedSet] | None = None
        for source, camera in enumerate(cameras):
            camera.join(self, source)

    @property
    def name(self) -> str:
        """The pipeline and the cameras, in words."""
        return f"pipeline {self._lane.name} of {', '.join(self._names)}"

    @property
    def lane_name(self) -> str:
        """The pipeline."""
        return self._lane.name

    @property
    def is_heard(self) -> bool:
        """Whether somebody listens to its results."""
        return self._lane.output.has_listeners()

    @property
    def busy_since_ns(self) -> int:
        """Steady time since which its worker is at one set; 0 = waiting."""
        worker = self._worker
        return 0 if worker is None else worker.busy_since_ns

    @property
    def most_held(self) -> int:
        """Images of one camera that it holds at once, at most: waiting, in a complete set, at the worker."""
        return self._options.most_waiting + 2

    def start(self) -> None:
        """Begin to take images."""
        self._slot = self._make_slot()
        self._state = SetState(self._lane.name, self._names, self._options)
        first = self._cameras[0]
        self._worker = CameraWorker(
            first.settings,
            slot=self._slot,
            lanes=(self._lane,),
            decode=self._decode,
            note=self._note,
            journal=first.journal,
            ros_now_ns=self._ros_now_ns,
            watch=lambda: None,
            on_lost_device=self._on_lost_device,
            ranges=self._ranges,
            name=f"set {self._names[0]}",
        )
        self.note_enabled()
        self._worker.start()

    def request_stop(self) -> None:
        """Let the worker end after the set at hand, without waiting for it."""
        if self._worker is not None:
            self._worker.request_stop()

    def stop(self, timeout_s: float = 2.0) -> bool:
        """Take no more images; what waits is dropped as inactive. Whether the worker ended in time."""
        worker, self._worker = self._worker, None
        if worker is None:
            return True
        ended = worker.stop(timeout_s)
        self._drop_waiting(self._slot)
        return ended

    def put(self, source: int, image: ReceivedImage) -> None:
        """Take the next image of the camera of that number. Short, and waits for nothing."""
        if not self._is_active():
            image.drop(DropReason.INACTIVE)
            return
        if not (self._cameras[0].is_enabled and self._cameras[source].is_enabled):
            image.drop(DropReason.DISABLED)
            return
        slot = self._slot
        slot.put(source, image)
        if not self._is_active():  # stopped meanwhile, by another thread
            self._drop_waiting(slot)

    def note_enabled(self) -> None:
        """A camera was switched on or off."""
        worker = self._worker
        if worker is not None:
            worker.is_enabled = self._cameras[0].is_enabled

    def incomplete(self, now_ns: int) -> str:
        """What kept it from being complete lately, in words; empty where nothing did."""
        return self._state.incomplete(now_ns)

    def _is_active(self) -> bool:
        return self._worker is not None

    def _make_slot(self) -> SetSlot:
        return SetSlot(
            len(self._cameras),
            self._options,
            on_set=self._on_set,
            on_replaced=lambda replaced: replaced.drop(DropReason.REPLACED),
            on_unpaired=self._on_unpaired,
        )

    def _drop_waiting(self, slot: SetSlot) -> None:
        sets, images = slot.clear()
        for complete in sets:
            complete.drop(DropReason.INACTIVE)
        for image in images:
            image.drop(DropReason.INACTIVE)

    def _on_set(self, complete: ReceivedSet) -> None:
        text = self._state.complete(time.monotonic_ns())
        if text:
            self._say(text)

    def _on_unpaired(self, unpaired: UnpairedFrame[ReceivedImage]) -> None:
        if unpaired.missing is not None:
            now_ns = time.monotonic_ns()
            partner = self._cameras[unpaired.missing]
            text = self._state.unpaired(
                unpaired.missing,
                unpaired.nearest_ns,
                now_ns,
                is_enabled=partner.is_enabled,
                last_received_ns=partner.journal.counters.last_received_ns,
            )
            self._cameras[0].journal.fault(DropReason.UNPAIRED.value, text)
        unpaired.frame.drop(DropReason.UNPAIRED)

    def _decode(self, received: ReceivedSet, lane_count: int) -> tuple[Frame | EncodedFrame, ...]:
        return received.decode([camera.decode for camera in self._cameras])

    def _note(self, received: ReceivedSet, frames: Frames, result: Result) -> None:
        for camera, image, frame in zip(self._cameras, received.images, frames, strict=True):
            camera.note_image(image, frame, None)
