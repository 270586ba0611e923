"""Pinned memory that results stay in."""

from __future__ import annotations

import gc
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest
from helpers.fake_gpu import FakeDevice
from helpers.gpu_pipeline_rig import assert_same, picture
from hypothesis import given
from hypothesis import strategies as st

from trt_perception.errors import DeviceError
from trt_perception.runtime.gpu import Memory
from trt_perception.runtime.result_blocks import MOST_LENT, ResultBlocks
from trt_perception.segmentation_mask import SegmentationMask

if TYPE_CHECKING:
    from helpers.gpu_pipeline_rig import MakeRig
    from numpy.typing import NDArray

SIZE = 600


def blocks_on(device: FakeDevice, *, under_way: int = 2) -> ResultBlocks:
    return ResultBlocks(device.gpu(), nbytes=SIZE, under_way=under_way)


def written(blocks: ResultBlocks, value: int) -> NDArray[np.uint8]:
    """A frame's result, each byte of that value."""
    memory = blocks.take()
    content(memory)[:] = value
    return blocks.lend(memory, SIZE)


def content(memory: Memory) -> NDArray[np.uint8]:
    array: NDArray[np.uint8] = FakeDevice().gpu().array(memory, shape=(memory.nbytes,), dtype=np.dtype(np.uint8))
    return array


def test_arrays_lie_in_the_memory_itself_until_enough_is_lent() -> None:
    device = FakeDevice()
    blocks = blocks_on(device)
    kept = [written(blocks, value) for value in range(MOST_LENT + 3)]
    for value, array in enumerate(kept):
        assert (array == value).all()
    lies_there = [array.ctypes.data in device.blocks for array in kept]
    assert lies_there == [True] * MOST_LENT + [False] * 3


def test_a_part_of_an_array_keeps_the_block_and_its_end_gives_it_back() -> None:
    blocks = blocks_on(FakeDevice(), under_way=1)
    part = written(blocks, 7)[10:20].reshape(2, 5)
    for value in range(20):  # as many frames as would take any block in turn
        assert (written(blocks, value) == value).all()
    assert (part == 7).all()


@given(st.lists(st.integers(0, 5), max_size=40))
def test_frames_always_find_a_block_and_nobody_sees_it_change(drops: list[int]) -> None:
    device = FakeDevice()
    blocks = blocks_on(device)
    kept: dict[int, NDArray[np.uint8]] = {}
    for number, drop in enumerate(drops):
        first, second = blocks.take(), blocks.take()  # two under way
        content(first)[:] = number
        content(second)[:] = 255
        kept[number] = blocks.lend(first, SIZE)
        blocks.put_back(second)
        if drop in range(len(kept)):
            del kept[list(kept)[drop]]
        assert all((array == value).all() for value, array in kept.items())
    assert device.allocations == 2 + MOST_LENT


def test_what_is_lent_outlives_close_and_is_freed_at_its_end() -> None:
    device = FakeDevice()
    blocks = blocks_on(device)
    kept = written(blocks, 3)
    blocks.close()
    blocks.close()
    assert device.live == 1
    assert (kept == 3).all()
    del kept
    assert device.live == 0


def test_a_copy_that_fails_keeps_no_block(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = blocks_on(FakeDevice(), under_way=1)
    kept = [written(blocks, value) for value in range(MOST_LENT)]
    with monkeypatch.context() as scarce:
        scarce.setattr(blocks._gpu, "array", lambda *_, **__: _raise(MemoryError()))
        with pytest.raises(MemoryError):
            blocks.lend(blocks.take(), SIZE)
    assert (written(blocks, 9) == 9).all()
    assert len(kept) == MOST_LENT


def _raise(error: Exception) -> None:
    raise error


def test_a_lost_device_is_asked_to_free_nothing() -> None:
    device = FakeDevice()
    blocks = blocks_on(device)
    kept = written(blocks, 3)
    device.is_lost = True
    blocks.close()
    del kept
    assert device.live == 2 + MOST_LENT


def test_where_memory_ends_nothing_stays_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    device = FakeDevice()
    gpu = device.gpu()
    allocate = gpu.allocate_pinned

    def scarce(nbytes: int) -> Memory:
        if device.live == 3:
            raise gpu.error("cudaMallocHost fails: cudaErrorMemoryAllocation")
        return allocate(nbytes)

    monkeypatch.setattr(gpu, "allocate_pinned", scarce)
    with pytest.raises(DeviceError, match="cudaMallocHost"):
        ResultBlocks(gpu, nbytes=SIZE, under_way=2)
    assert device.live == 0


def test_arrays_end_in_any_thread_and_in_the_midst_of_a_collection() -> None:
    device = FakeDevice()
    blocks = blocks_on(device, under_way=4)

    def run(value: int) -> None:
        for _ in range(200):
            array = written(blocks, value)
            cycle: list[object] = [array]
            cycle.append(cycle)  # ends with a collection, wherever that comes
            assert (array == value).all()

    threads = [threading.Thread(target=run, args=(value,)) for value in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gc.collect()
    blocks.close()
    assert device.live == 0


def test_results_that_cannot_be_fetched_keep_no_block(make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = make_rig()
    with rig.pipeline() as pipeline:
        for seed in range(2 * MOST_LENT + 4):  # more than there are blocks
            ticket = pipeline.start([picture(seed)])
            with monkeypatch.context() as failing:
                failing.setattr(rig.gpu, "use", lambda: _raise(DeviceError("GPU 0: choosing it failed")))
                with pytest.raises(DeviceError, match="choosing it"):
                    ticket.result()
        assert_same(pipeline.process([picture(1)]), rig.expected(picture(1)))
    assert rig.device.live == 0


def test_a_pipelines_masks_lie_in_pinned_memory_and_its_boxes_keep_none(make_rig: MakeRig) -> None:
    rig = make_rig()
    with rig.pipeline() as pipeline:
        results = [pipeline.process([picture(seed)]) for seed in range(MOST_LENT + 2)]
        for seed, result in enumerate(results):
            assert_same(result, rig.expected(picture(seed)))
        masks = [result.heads["mask"] for result in results]
        places = [
            rig.gpu.device_address(mask.class_ids.ctypes.data) for mask in masks if isinstance(mask, SegmentationMask)
        ]
        assert [place is not None for place in places] == [True] * MOST_LENT + [False] * 2
        boxes = [result.heads["boxes"] for result in results]
        del results, result, masks
        mask = pipeline.process([picture(9)]).heads["mask"]  # the boxes hold nothing of what was lent
        assert isinstance(mask, SegmentationMask)
        assert rig.gpu.device_address(mask.class_ids.ctypes.data) is not None
        assert len(boxes) == MOST_LENT + 2
