"""The ring's memory registered with the GPU: uploads from it are those of pinned memory, and it is given back in time.

Needs a GPU and the CUDA packages; no TensorRT, no ROS. How much faster uploads are is measured by bench, not here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from trt_perception.ingest.ring_ends import make_ring
from trt_perception.ingest.ring_reader import RingMessage, RingReader
from trt_perception.ingest.ring_writer import RingWriter
from trt_perception.runtime.gpu import Gpu

pytestmark = pytest.mark.gpu

NBYTES = 1920 * 1080 * 3


@pytest.fixture
def gpu(kernel_gpu: Any) -> Gpu:
    assert isinstance(kernel_gpu, Gpu)
    kernel_gpu.use()
    return kernel_gpu


def on_device(gpu: Gpu, got: RingMessage) -> bytes:
    """A message's bytes, uploaded from where it lies and fetched back."""
    stream = gpu.make_stream()
    device, host = gpu.allocate(len(got.data)), gpu.allocate_pinned(len(got.data))
    gpu.upload(device.address, np.frombuffer(got.data, np.uint8), stream)
    gpu.download(host, device.address, stream)
    stream.sync()
    found = gpu.array(host, shape=(len(got.data),), dtype=np.dtype(np.uint8)).tobytes()
    gpu.free(device)
    gpu.free(host)
    return found


def address(got: RingMessage) -> int:
    return int(np.frombuffer(got.data, np.uint8).ctypes.data)


def test_segments_are_pinned_as_they_come_and_released_as_they_go(gpu: Gpu) -> None:
    pinned: list[tuple[int, int]] = []

    def register(start: int, nbytes: int) -> Callable[[], None]:
        gpu.register(start, nbytes)
        pinned.append((start, nbytes))

        def undo() -> None:
            gpu.unregister(start)
            pinned.remove((start, nbytes))

        return undo

    writer_ends, reader_ends = make_ring("test")
    writer, reader = RingWriter(writer_ends), RingReader(reader_ends, register=register)
    random = np.random.default_rng(0)
    held = []
    for nbytes in (NBYTES, NBYTES, 2 * NBYTES):
        data = random.integers(0, 256, nbytes, np.uint8).tobytes()
        writer.write(data, payload_offset=52)
        (got,) = reader.take()
        assert gpu.device_address(address(got)) is not None
        assert on_device(gpu, got) == data
        held.append(got)
    assert len(pinned) == 2
    del got
    reader.sweep()
    assert len(pinned) == 2, "released while a message of it is in use"
    del held[:2]
    reader.sweep()
    assert [start <= address(held[0]) < start + nbytes for start, nbytes in pinned] == [True]
    writer.close()
    writer_ends.close()
    held.clear()
    assert reader.close()
    assert pinned == []
