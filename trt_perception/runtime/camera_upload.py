"""A camera's frames on their way to the GPU: each is uploaded once, whatever number of pipelines takes it."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trt_perception.errors import DeviceError
from trt_perception.frame import Frame
from trt_perception.preprocess.frame_layout import FrameLayout
from trt_perception.runtime.device_frame import DeviceFrame
from trt_perception.runtime.engine_memory import lacking, mib
from trt_perception.runtime.gpu import Gpu, Memory
from trt_perception.runtime.usual_frame import usual_frame_bytes

USUAL_PLACES = 2
"""One frame is uploaded while the one before it is still read."""


class CameraUpload:
    """Places in device memory, and a stream that fills them in turn.

    Pixels in pinned or registered memory are copied without the processor; others lie in pageable memory, which the
    driver copies faster than we could through a pinned buffer. Where host memory is `mapped`, nothing is uploaded:
    kernels read pinned or registered pixels where they are, and the host moves others into pinned memory.

    One thread at a time, the pipelines that share it included.

    Args:
        gpu: Where the frames go.
        priority: Of the stream. Lower numbers go first. None: the lowest.
        mapped: Whether kernels read the host's memory. None: where host and GPU share one memory.
        frame_bytes: What a place holds from the start; a larger frame makes it grow, once. None: any raw encoding in
            Full HD.
        places: How many frames are there at once.

    Raises:
        DeviceError: Not enough memory.
    """

    def __init__(
        self,
        gpu: Gpu,
        *,
        priority: int | None = None,
        mapped: bool | None = None,
        frame_bytes: int | None = None,
        places: int = USUAL_PLACES,
    ) -> None:
        self.gpu = gpu
        gpu.use()
        self.is_mapped = gpu.is_integrated if mapped is None else mapped
        self._count = places
        self._places: list[DeviceFrame] = []
        self._memory: list[Memory] = []
        self._nbytes = 0
        self._next = 0
        self._frame: weakref.ref[Frame] | None = None
        self._current: DeviceFrame | None = None
        self.stream: Any = gpu.make_stream(priority=priority)
        try:
            self._allocate(usual_frame_bytes() if frame_bytes is None else frame_bytes)
        except BaseException:
            self.close()
            raise

    @property
    def frame_bytes(self) -> int:
        """What a place holds now."""
        return self._nbytes

    @property
    def places(self) -> tuple[DeviceFrame, ...]:
        """All of them; a frame that kernels read where the host has it lies in none."""
        return tuple(self._places)

    def upload(self, frame: Frame, *, taker: object) -> DeviceFrame:
        """Where the frame is, or will be after the place's event. Waits for nothing but a place that has to grow.

        The same frame asked for by another taker is not uploaded again; by the same one, it is. Whoever reads it adds
        an event to `readers` once the reading is enqueued.

        Args:
            frame: Its pixels must stay as they are until all who read them are done.
            taker: Who will read it.

        Raises:
            DeviceError: CUDA fails.
        """
        current = self._current
        if current is not None and taker not in current.takers and self._frame is not None and self._frame() is frame:
            current.takers.add(taker)
            return current
        self._current = None
        place = self._fill(frame)
        place.takers = {taker}
        self._current, self._frame = place, weakref.ref(frame)
        return place

    def drain(self) -> None:
        """Wait until nobody uploads and nobody reads.

        Raises:
            DeviceError: CUDA fails.
        """
        with self.gpu.guard("waiting for uploads and their readers"):
            self.stream.sync()
            for place in self._places:
                for reader in tuple(place.readers):  # others let go meanwhile
                    reader.sync()
                place.readers.clear()

    def close(self) -> None:
        """Free everything, once nobody reads it. Harmless when called twice."""
        self.gpu.use()
        lost = self.gpu.is_lost()
        stream = self.stream
        if stream is not None and not lost:
            self.drain()
        self.stream, self._current = None, None
        self._free(lost=lost)
        if stream is not None and not lost:
            stream.close()

    def _fill(self, frame: Frame) -> DeviceFrame:
        pixels = frame.data[: FrameLayout.of(frame).nbytes]
        if self.is_mapped:
            address = self.gpu.device_address(pixels.ctypes.data)
            if address is not None:
                return DeviceFrame(index=self._advance(), memory=None, address=address)
        if pixels.nbytes > self.frame_bytes:
            self._grow(pixels.nbytes)
        place = self._places[self._advance()]
        if self.is_mapped:
            self._copy(pixels, place)
        else:
            self._enqueue(pixels, place)
        return place

    def _enqueue(self, pixels: NDArray[np.uint8], place: DeviceFrame) -> None:
        gpu, stream = self.gpu, self.stream
        for reader in tuple(place.readers):  # others let go meanwhile
            gpu.wait(stream, reader)
        place.readers.clear()
        gpu.upload(place.address, pixels, stream)
        gpu.record(stream, place.uploaded)

    def _copy(self, pixels: NDArray[np.uint8], place: DeviceFrame) -> None:
        """Into memory that kernels read: the host waits for them itself, since its own writes follow no stream."""
        with self.gpu.guard("waiting for the readers of a frame"):
            for reader in tuple(place.readers):  # others let go meanwhile
                reader.sync()
        place.readers.clear()
        memory = place.memory
        assert memory is not None
        array = self.gpu.array(memory, shape=(memory.nbytes,), dtype=np.dtype(np.uint8))
        np.copyto(array[: pixels.nbytes], pixels)

    def _advance(self) -> int:
        index, self._next = self._next, (self._next + 1) % self._count
        return index

    def _grow(self, nbytes: int) -> None:
        self.drain()
        self._free(lost=False)
        try:
            self._allocate(nbytes)
        except DeviceError as error:
            self._free(lost=False)
            raise lacking(error, f"{self._count} frames of {mib(nbytes)} MiB are to lie there", self.gpu) from error

    def _free(self, *, lost: bool) -> None:
        self._places, self._nbytes = [], 0
        while self._memory:
            memory = self._memory.pop()
            if not lost:
                self.gpu.free(memory)

    def _allocate(self, nbytes: int) -> None:
        for index in range(self._count):
            memory = self.gpu.allocate_pinned(nbytes) if self.is_mapped else self.gpu.allocate(nbytes)
            self._memory.append(memory)
            self._places.append(self._make_place(index, memory))
        self._nbytes = nbytes

    def _make_place(self, index: int, memory: Memory) -> DeviceFrame:
        gpu = self.gpu
        if self.is_mapped:
            address = gpu.device_address(memory.address)
            return DeviceFrame(index=index, memory=memory, address=memory.address if address is None else address)
        return DeviceFrame(
            index=index,
            memory=memory,
            address=memory.address,
            uploaded=gpu.make_event(),
        )
