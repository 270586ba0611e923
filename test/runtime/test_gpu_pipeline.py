"""The whole pipeline on a GPU that is simulated: real kernels on the CPU, streams that run late, early or anyhow.

Results have to be those of `Pipeline`, whatever the order in which streams get to their work; test/gpu runs real ones.
"""

from __future__ import annotations

import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from time import monotonic_ns

import cv2
import numpy as np
import pytest
from helpers.frames import encoded_frame
from helpers.gpu_pipeline_rig import MakeRig, assert_same, picture, spec_of
from helpers.simulated_gpu import SimulatedGpu, pinned_copy

from trt_perception.errors import ConfigError, InputError
from trt_perception.runtime.camera_upload import CameraUpload
from trt_perception.thresholds import Thresholds

ORDERS = ("eager", "lazy", 1, 2)


@pytest.mark.parametrize("order", ORDERS)
def test_results_are_those_of_the_pipeline_on_the_host(make_rig: MakeRig, order: str | int) -> None:
    rig = make_rig(order=order)
    with rig.pipeline() as pipeline:
        for seed in range(5):
            assert_same(pipeline.process([picture(seed)]), rig.expected(picture(seed)))


@pytest.mark.parametrize("order", ORDERS)
def test_two_frames_under_way_keep_apart(make_rig: MakeRig, order: str | int) -> None:
    rig = make_rig(order=order)
    with rig.pipeline() as pipeline:
        tickets = [pipeline.start([picture(seed)]) for seed in range(2)]
        for seed in range(2, 8):
            assert_same(tickets.pop(0).result(), rig.expected(picture(seed - 2)))
            tickets.append(pipeline.start([picture(seed)]))
        for seed, ticket in zip((6, 7), tickets, strict=True):
            assert_same(ticket.result(), rig.expected(picture(seed)))


@pytest.mark.parametrize("order", ORDERS)
def test_pinned_pixels_are_read_before_the_ticket_returns(make_rig: MakeRig, order: str | int) -> None:
    rig = make_rig(order=order)
    frames = [replace(picture(seed), data=pinned_copy(rig.gpu, picture(seed).data)) for seed in range(4)]
    with rig.pipeline() as pipeline:
        for seed, frame in enumerate(frames):
            result = pipeline.start([frame]).result()
            frame.data[:] = 0  # the owner takes the memory back
            assert_same(result, rig.expected(picture(seed)))


@pytest.mark.parametrize("mapped", [False, True], ids=["uploaded", "mapped"])
def test_a_frame_is_let_go_with_its_result(make_rig: MakeRig, mapped: bool) -> None:
    rig = make_rig()
    with rig.pipeline(mapped=mapped) as pipeline:
        for seed in range(3):
            frame = replace(picture(seed), data=pinned_copy(rig.gpu, picture(seed).data))
            watched = weakref.ref(frame)
            ticket = pipeline.start([frame])
            del frame
            assert watched() is not None  # the GPU may not have read it yet
            ticket.result()
            assert watched() is None  # its memory, e.g. a slot of a ring, is free again


def test_pageable_pixels_may_change_at_once(make_rig: MakeRig) -> None:
    rig = make_rig(order="lazy")
    with rig.pipeline() as pipeline:
        frame = picture(3)
        ticket = pipeline.start([frame])
        frame.data[:] = 0
        assert_same(ticket.result(), rig.expected(picture(3)))


@pytest.mark.parametrize("order", ORDERS)
def test_pipelines_of_one_camera_share_the_upload_and_find_what_each_finds_alone(
    make_rig: MakeRig, order: str | int
) -> None:
    rig = make_rig(order=order)
    upload = rig.upload()
    strict = Thresholds(score=0.6)
    with rig.pipeline(uploads=[upload]) as one, rig.pipeline(uploads=[upload], thresholds=strict) as other:
        rig.device.uploads.clear()
        for seed in range(5):
            frame = picture(seed)
            tickets = [one.start([frame]), other.start([frame])]
            assert_same(tickets[1].result(), rig.expected(frame, thresholds=strict))
            assert_same(tickets[0].result(), rig.expected(frame))
            one.catch_up()
            other.catch_up()
        assert rig.device.uploads == [frame.data.nbytes] * 5
    upload.close()


@pytest.mark.parametrize("order", ORDERS)
def test_a_pipeline_that_sits_frames_out_meets_the_right_pixels(make_rig: MakeRig, order: str | int) -> None:
    rig = make_rig(order=order)
    upload = rig.upload()
    with rig.pipeline(uploads=[upload]) as one, rig.pipeline(uploads=[upload]) as other:
        late = []
        for seed in range(7):
            frame = picture(seed)
            ticket = one.start([frame])
            if seed in (1, 2, 5):
                late.append((other.start([frame]), seed))
            assert_same(ticket.result(), rig.expected(frame))
        for ticket, seed in late:
            assert_same(ticket.result(), rig.expected(picture(seed)))
    upload.close()


def test_the_same_frame_object_given_again_is_uploaded_again(make_rig: MakeRig) -> None:
    rig = make_rig()
    frame = picture(0)
    with rig.pipeline() as pipeline:
        pipeline.process([frame])
        frame.data[:] = picture(1).data
        assert_same(pipeline.process([frame]), rig.expected(picture(1)))


@pytest.mark.parametrize("order", ORDERS)
def test_a_ticket_that_nobody_asks_keeps_its_result_and_holds_nobody_up(make_rig: MakeRig, order: str | int) -> None:
    rig = make_rig(order=order)
    with rig.pipeline() as pipeline:
        tickets = [pipeline.start([picture(seed)]) for seed in range(6)]
    for seed, ticket in enumerate(tickets):
        assert_same(ticket.result(), rig.expected(picture(seed)))
        assert ticket.result() is ticket.result()


@pytest.mark.parametrize("order", ORDERS)
def test_close_waits_for_what_is_under_way_and_frees_everything(make_rig: MakeRig, order: str | int) -> None:
    rig = make_rig(order=order)
    pipeline = rig.pipeline()
    for seed in range(2):
        pipeline.open()
        ticket = pipeline.start([picture(seed)])
        pipeline.close()
        pipeline.close()
        assert all(stream.is_closed for stream in rig.device.streams.values())
        assert_same(ticket.result(), rig.expected(picture(seed)))
        assert rig.device.live == 1  # the mask's
        del ticket
        assert rig.device.live == 0


def test_frames_allocate_nothing(make_rig: MakeRig) -> None:
    rig = make_rig()
    with rig.pipeline() as pipeline:
        pipeline.process([picture(0)])
        before = rig.device.allocations
        for seed in range(8):
            pipeline.process([picture(seed)])
        assert rig.device.allocations == before


def test_a_new_layout_runs_call_by_call_once_and_as_a_graph_from_then_on(make_rig: MakeRig) -> None:
    rig = make_rig(order=5)
    with rig.pipeline() as pipeline:
        assert pipeline.note == "CUDA graph"
        enqueues = []
        for seed in range(4):
            frame = picture(seed, width=40, height=28)
            before = rig.plan.enqueues
            ticket = pipeline.start([frame])
            at_start = rig.plan.enqueues - before
            assert_same(ticket.result(), rig.expected(frame))
            pipeline.catch_up()
            enqueues.append((at_start, rig.plan.enqueues - before))
        assert enqueues == [(1, 3), (0, 0), (0, 0), (0, 0)]  # both slots are captured after the first


def test_without_catching_up_the_second_frame_brings_the_graph(make_rig: MakeRig) -> None:
    rig = make_rig(order="lazy")
    with rig.pipeline() as pipeline:
        enqueues = []
        for seed in range(4):
            before = rig.plan.enqueues
            ticket = pipeline.start([picture(seed, width=40)])
            enqueues.append(rig.plan.enqueues - before)
            assert_same(ticket.result(), rig.expected(picture(seed, width=40)))
        assert enqueues == [1, 2, 0, 0]


@pytest.mark.parametrize("order", ORDERS)
def test_more_layouts_than_graphs_are_kept_and_larger_images_than_before(make_rig: MakeRig, order: str | int) -> None:
    rig = make_rig(order=order)
    sizes = [(32, 32), (64, 48), (33, 20), (20, 64), (96, 72), (50, 50), (64, 48), (32, 32)]
    with rig.pipeline() as pipeline:
        tickets = []
        for seed, (width, height) in enumerate(sizes):
            frame = picture(seed, width=width, height=height, padding=seed)
            tickets.append((pipeline.start([frame]), rig.expected(frame)))
            if seed % 3 == 0:
                pipeline.catch_up()
        for ticket, expected in tickets:
            assert_same(ticket.result(), expected)


@pytest.mark.parametrize("order", ORDERS)
def test_thresholds_hold_from_the_next_frame_on(make_rig: MakeRig, order: str | int) -> None:
    rig = make_rig(order=order)
    limits = [Thresholds(score=0.2), Thresholds(score=0.5), Thresholds(score=0.2, per_class={"green": 0.7})]
    with rig.pipeline() as pipeline:
        tickets = []
        for seed, thresholds in enumerate(limits):
            pipeline.thresholds = thresholds
            tickets.append(pipeline.start([picture(seed)]))
        for seed, (ticket, thresholds) in enumerate(zip(tickets, limits, strict=True)):
            assert_same(ticket.result(), rig.expected(picture(seed), thresholds=thresholds))
        with pytest.raises(ConfigError, match="lorry"):
            pipeline.thresholds = Thresholds(per_class={"lorry": 0.5})
        assert pipeline.thresholds is limits[-1]


@pytest.mark.parametrize("order", ORDERS)
def test_mapped_memory_gives_the_same_without_an_upload(make_rig: MakeRig, order: str | int) -> None:
    rig = make_rig(order=order)
    with rig.pipeline(mapped=True) as pipeline:
        rig.device.uploads.clear()
        tickets = [(pipeline.start([picture(seed)]), seed) for seed in range(5)]
        for ticket, seed in tickets:
            assert_same(ticket.result(), rig.expected(picture(seed)))
        assert rig.device.uploads == []


@pytest.mark.parametrize("order", ORDERS)
def test_mapped_memory_of_others_is_read_where_it_lies(make_rig: MakeRig, order: str | int) -> None:
    rig = make_rig(order=order)
    memory = rig.gpu.allocate_pinned(8 * 4096)  # as shared memory that is registered
    ring = rig.gpu.array(memory, shape=(8, 4096), dtype=np.dtype(np.uint8))
    with rig.pipeline(mapped=True) as pipeline:
        for seed in range(10):
            frame = picture(seed)
            slot = ring[seed % 3, : frame.data.size]
            slot[:] = frame.data
            ticket = pipeline.start([replace(frame, data=slot)])
            assert_same(ticket.result(), rig.expected(frame))
            slot[:] = 0
            pipeline.catch_up()
        before = rig.plan.enqueues
        pipeline.process([replace(picture(0), data=ring[0, : picture(0).data.size])])
        assert rig.plan.enqueues == before  # its graph reads that place


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("mapped", [False, True], ids=["uploaded", "mapped"])
def test_several_inputs_are_one_upload_each(make_rig: MakeRig, order: str | int, mapped: bool) -> None:
    rig = make_rig(order=order, spec=spec_of(inputs=("visible", "infrared")))
    with rig.pipeline(mapped=mapped) as pipeline:
        rig.device.uploads.clear()
        tickets = []
        for seed in range(4):
            frames = picture(seed), picture(seed + 100, width=64, height=64)
            tickets.append((pipeline.start(frames), rig.expected(*frames)))
        for ticket, expected in tickets:
            assert_same(ticket.result(), expected)
        assert len(rig.device.uploads) == (0 if mapped else 8)
        with pytest.raises(InputError, match=r"2 inputs .visible, infrared., got 1 frames"):
            pipeline.process([picture(0)])


def test_compressed_frames_are_unpacked(make_rig: MakeRig) -> None:
    rig = make_rig()
    data = cv2.imencode(".png", picture(1).data.reshape(32, 32, 3))[1].tobytes()
    with rig.pipeline() as pipeline:
        result = pipeline.process([encoded_frame(data)])
    assert_same(result, rig.expected(picture(1)))
    assert result.times.decode_ns > 0
    assert result.image_size == (32, 32)


def test_threads_take_turns(make_rig: MakeRig) -> None:
    rig = make_rig(order=9)
    expected = [rig.expected(picture(seed)) for seed in range(12)]
    with rig.pipeline() as pipeline, ThreadPoolExecutor(4) as threads:
        results = list(threads.map(lambda seed: pipeline.process([picture(seed)]), range(12)))
    for got, wanted in zip(results, expected, strict=True):
        assert_same(got, wanted)


def test_streams_have_the_priority_that_was_asked_for(make_rig: MakeRig) -> None:
    rig = make_rig()
    with rig.pipeline(priority=-3):
        assert {stream.priority for stream in rig.device.streams.values()} == {-3}


def test_traced_results_carry_the_stages_in_their_order(make_rig: MakeRig) -> None:
    rig = make_rig(order=2)
    with rig.pipeline(trace=True) as pipeline:
        for seed in range(3):
            before = monotonic_ns()
            result = pipeline.process([picture(seed)])
            assert_same(result, rig.expected(picture(seed)))
            stamps = result.stamps
            assert stamps is not None
            order = [stamps.uploaded_ns, stamps.preprocessed_ns, stamps.inferred_ns, stamps.decoded_ns]
            assert order == sorted(order)
            assert before < stamps.decoded_ns < monotonic_ns()
    with rig.pipeline() as pipeline:
        assert pipeline.process([picture(0)]).stamps is None


def test_the_sum_of_memory_is_what_it_takes(make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = make_rig()
    pipeline = rig.pipeline()
    upload = CameraUpload(rig.gpu)
    free = rig.device.free
    with rig.pipeline(uploads=[upload]):
        taken = free - rig.device.free
    memory = pipeline.memory
    # Each of the tensors is rounded up, and so is each of the results.
    assert memory.own_bytes <= taken <= memory.own_bytes + 8 * 256
    assert memory.frame_bytes == 2 * upload.frame_bytes
    upload.close()


def test_the_simulation_shows_a_race(make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipeline that does not wait for its upload gets wrong results in one order or another."""
    monkeypatch.setattr(SimulatedGpu, "wait", lambda self, stream, event: None)
    wrong = 0
    for order in ORDERS:
        rig = make_rig(order=order)
        with rig.pipeline() as pipeline:
            for seed in range(3):
                try:
                    assert_same(pipeline.process([picture(seed)]), rig.expected(picture(seed)))
                except AssertionError:
                    wrong += 1
    assert wrong
