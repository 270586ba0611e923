"""What fails on the GPU, simulated: it is said, nothing is left under way, and the next frame goes its way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from helpers.gpu_pipeline_rig import BOXES, MASK, MakeRig, assert_same, picture, spec_of

from trt_perception.errors import DeviceError, EngineError, FrameError
from trt_perception.model.model_spec import HeadSpec
from trt_perception.model.preprocess_options import PreprocessOptions
from trt_perception.runtime.gpu_pipeline import GpuPipeline

NO_GRAPH = {
    "capture_fails": ({"fails_in_capture": True}, {}, "CAPTURE: a plugin allocates"),
    "switched_off": ({}, {"graph": False}, "no CUDA graph: switched off"),
}


@pytest.mark.parametrize(("engine", "options", "note"), NO_GRAPH.values(), ids=NO_GRAPH.keys())
def test_without_a_graph_it_runs_all_the_same_and_says_why(
    make_rig: MakeRig, engine: Any, options: Any, note: str
) -> None:
    rig = make_rig(order=4, **engine)
    with rig.pipeline(**options) as pipeline:
        assert note in pipeline.note
        for seed in range(4):
            assert_same(pipeline.process([picture(seed)]), rig.expected(picture(seed)))


def test_a_frame_that_cannot_be_used_leaves_the_next_one_alone(make_rig: MakeRig) -> None:
    spec = spec_of()
    source = replace(spec.inputs[0], preprocess=PreprocessOptions(crop=(0, 0, 32, 32)))
    rig = make_rig(spec=replace(spec, inputs=(source,)))
    with rig.pipeline() as pipeline:
        with pytest.raises(FrameError, match="crop"):
            pipeline.start([picture(0, width=20, height=20)])
        assert_same(pipeline.process([picture(1)]), rig.expected(picture(1)))


def test_outputs_that_cannot_be_used_fail_their_frame_only(make_rig: MakeRig) -> None:
    rig = make_rig(order="lazy")
    plain = rig.plan.handler

    def spoilt(inputs: Any) -> Any:
        outputs = plain(inputs)
        outputs["boxes"][0, 3, 1] = np.nan
        return outputs

    with rig.pipeline() as pipeline:
        rig.plan.handler = spoilt
        ticket = pipeline.start([picture(0)])
        with pytest.raises(FrameError, match="inference_failed"):
            ticket.result()
        rig.plan.handler = plain
        assert_same(pipeline.process([picture(1)]), rig.expected(picture(1)))


@pytest.mark.parametrize("what", ["launch", "upload"])
@pytest.mark.parametrize("order", ["lazy", 1])
def test_a_failure_half_way_leaves_nothing_under_way(make_rig: MakeRig, what: str, order: str | int) -> None:
    rig = make_rig(order=order)
    frame = picture(0, width=40)  # new, so it is launched call by call
    with rig.pipeline() as pipeline:
        waiting = pipeline.start([picture(5)])
        rig.device.fails.add(what)
        with pytest.raises(DeviceError, match="fails"):
            pipeline.start([frame])
        assert rig.device.is_idle  # whoever owns the pixels may take them back
        rig.device.fails.clear()
        assert_same(waiting.result(), rig.expected(picture(5)))
        assert_same(pipeline.process([frame]), rig.expected(frame))


def test_out_of_memory_says_what_was_needed_and_what_was_free(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.device.free = 2**20
    pipeline = rig.pipeline()
    with pytest.raises(DeviceError, match=r"takes at least .* MiB \(weights .*, and 1\.0 MiB of the GPU were free"):
        pipeline.open()
    assert rig.device.live == 0
    rig.device.free = 2**30
    with pipeline:
        assert_same(pipeline.process([picture(1)]), rig.expected(picture(1)))


LACKING = {
    "frames": (BOXES, r"2 frames of 0\.1 MiB are to lie there, and 0\.0 MiB of the GPU are free"),
    "results": (MASK, r"results of 0\.0 MiB are to lie there, and 0\.0 MiB of the GPU are free"),
}


@pytest.mark.parametrize(("head", "problem"), LACKING.values(), ids=LACKING.keys())
def test_a_larger_image_that_finds_no_room_says_so_and_smaller_ones_go_on(
    make_rig: MakeRig, head: HeadSpec, problem: str
) -> None:
    rig = make_rig(spec=spec_of(heads=(head,)))
    with rig.pipeline() as pipeline:
        free, rig.device.free = rig.device.free, 8192
        with pytest.raises(DeviceError, match=problem):
            pipeline.process([picture(0, width=200, height=200)])
        rig.device.free = free
        assert_same(pipeline.process([picture(1)]), rig.expected(picture(1)))


def test_a_lost_device_is_said_and_close_comes_back(make_rig: MakeRig) -> None:
    rig = make_rig(order="lazy")
    pipeline = rig.pipeline()
    pipeline.open()
    ticket = pipeline.start([picture(0)])
    rig.device.is_lost = True
    with pytest.raises(DeviceError, match="must be started again") as caught:
        ticket.result()
    assert caught.value.is_sticky
    pipeline.close()


def test_a_frame_before_open_is_refused(make_rig: MakeRig) -> None:
    with pytest.raises(DeviceError, match="open the pipeline first"):
        make_rig().pipeline().process([picture(0)])


def test_an_engine_of_another_model_is_refused(make_rig: MakeRig) -> None:
    rig = make_rig()
    other = spec_of(inputs=("pictures",))
    with pytest.raises(EngineError, match="pictures"):
        GpuPipeline(other, rig.opened)
