"""Pictures of a pipeline on a simulated GPU are those of `annotate`, whatever the order in which streams work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.frames import encoded_frame, make_frame
from helpers.gpu_pipeline_rig import GpuRig, MakeRig, assert_same, picture, spec_of

from trt_perception.draw.annotate import annotate
from trt_perception.encoding import Encoding
from trt_perception.errors import FrameError
from trt_perception.frame import Frame
from trt_perception.preprocess.color_image import color_image
from trt_perception.result import Result
from trt_perception.runtime.gpu_pipeline import GpuPipeline

ORDERS = pytest.mark.parametrize("order", ["eager", "lazy", 1, 2])
LETTERS = 1 if int(cv2.__version__.split(".")[0]) >= 5 else 8
"""Grey levels by which a letter may differ."""

NOTHING = {"boxes": frozenset(range(3)), "mask": frozenset(range(3))}
"""All classes, to be left out."""


def drawing(rig: GpuRig, wanted: Callable[[], bool] = lambda: True, **options: Any) -> GpuPipeline:
    pipeline = rig.pipeline(**options)
    pipeline.draw(rig.spec, wanted=wanted, left_out={})
    return pipeline


def assert_drawn(result: Result, rig: GpuRig, frame: Frame) -> None:
    expected = rig.expected(frame)
    assert_same(result, expected)
    assert result.picture is not None
    drawn = annotate(color_image(frame), expected, rig.spec)
    assert (drawn != color_image(frame)).any()
    assert np.abs(result.picture.astype(int) - drawn).max() <= LETTERS


@ORDERS
def test_frames_under_way_keep_their_pictures_apart(make_rig: MakeRig, order: str | int) -> None:
    rig = make_rig(order=order)
    with drawing(rig) as pipeline:
        tickets = [pipeline.start([picture(seed)]) for seed in range(5)]
        for seed, ticket in enumerate(tickets):
            assert_drawn(ticket.result(), rig, picture(seed))


@ORDERS
def test_a_new_size_leaves_the_picture_before_it_whole(make_rig: MakeRig, order: str | int) -> None:
    rig = make_rig(order=order)
    frames = [picture(0), picture(1, width=70, height=50), picture(2, padding=3), picture(3, width=20, height=64)]
    with drawing(rig) as pipeline:
        tickets = [pipeline.start([frame]) for frame in frames]
        for ticket, frame in zip(tickets, frames, strict=True):
            assert_drawn(ticket.result(), rig, frame)
            pipeline.catch_up()


def test_frames_are_drawn_only_while_somebody_looks(make_rig: MakeRig) -> None:
    rig, looks = make_rig(), [False]
    with drawing(rig, lambda: looks[0]) as pipeline:
        memory = rig.device.live
        assert pipeline.process([picture(0)]).picture is None
        assert rig.device.live == memory
        looks[0] = True
        assert_drawn(pipeline.process([picture(1)]), rig, picture(1))
        looks[0] = False
        assert pipeline.process([picture(2)]).picture is None


def test_a_pipeline_that_was_not_told_to_draws_nothing(make_rig: MakeRig) -> None:
    rig = make_rig()
    with rig.pipeline() as pipeline:
        assert pipeline.process([picture(0)]).picture is None


def test_frames_allocate_nothing(make_rig: MakeRig) -> None:
    rig = make_rig()
    with drawing(rig) as pipeline:
        pipeline.process([picture(0)])
        before = rig.device.allocations
        for seed in range(6):
            pipeline.process([picture(seed)])
        assert rig.device.allocations == before


def test_a_picture_is_the_caller_s(make_rig: MakeRig) -> None:
    rig = make_rig()
    with drawing(rig) as pipeline:
        first = pipeline.process([picture(0)])
        for seed in range(1, 5):
            pipeline.process([picture(seed)])
        assert_drawn(first, rig, picture(0))


def test_without_memory_for_pictures_there_are_results_all_the_same(make_rig: MakeRig) -> None:
    rig, looks = make_rig(order="lazy"), [False]
    large = {"width": 300, "height": 200}
    with drawing(rig, lambda: looks[0]) as pipeline:
        pipeline.process([picture(0, **large)])
        looks[0] = True
        rig.device.free, free = 100_000, rig.device.free
        for seed in range(3):
            result = pipeline.process([picture(seed, **large)])
            assert_same(result, rig.expected(picture(seed, **large)))
            assert result.picture is None
        rig.device.free = free
        looks[0] = False
        pipeline.process([picture(0, **large)])
        looks[0] = True  # whoever looks anew finds the memory that is there now
        assert_drawn(pipeline.process([picture(1, **large)]), rig, picture(1, **large))


@ORDERS
def test_close_frees_what_pictures_took(make_rig: MakeRig, order: str | int) -> None:
    rig = make_rig(order=order)
    pipeline = drawing(rig)
    for seed in range(2):  # it draws on once it is open again
        pipeline.open()
        ticket = pipeline.start([picture(seed)])
        pipeline.close()
        assert_drawn(ticket.result(), rig, picture(seed))
        del ticket
        assert rig.device.live == 0


def test_told_anew_it_draws_with_the_new_labels(make_rig: MakeRig) -> None:
    rig = make_rig()
    with drawing(rig) as pipeline:
        ticket = pipeline.start([picture(0)])
        pipeline.draw(rig.spec, wanted=lambda: True, left_out=NOTHING)
        assert_drawn(ticket.result(), rig, picture(0))
        bare = pipeline.process([picture(1)]).picture
        assert bare is not None
        assert np.array_equal(bare, color_image(picture(1)))


def test_other_encodings_and_compressed_frames_have_pictures(make_rig: MakeRig) -> None:
    rig = make_rig()
    rows = np.random.default_rng(0).integers(0, 256, (48, 32), dtype=np.uint8)
    frame = make_frame(rows, Encoding.NV12, width=32, height=32)
    data = cv2.imencode(".png", picture(1).data.reshape(32, 32, 3))[1].tobytes()
    with drawing(rig) as pipeline:
        found = pipeline.process([frame])
        assert found.picture is not None
        expected = annotate(color_image(frame), rig.expected(frame), rig.spec)
        assert np.abs(found.picture.astype(int) - expected).max() <= LETTERS
        assert_drawn(pipeline.process([encoded_frame(data)]), rig, picture(1))


def test_the_picture_is_the_first_input_s(make_rig: MakeRig) -> None:
    rig = make_rig(spec=spec_of(inputs=("visible", "infrared")))
    with rig.pipeline() as pipeline:
        pipeline.draw(rig.spec, wanted=lambda: True, left_out=NOTHING)
        found = pipeline.process([picture(0), picture(1, width=64, height=64)])
    assert found.picture is not None
    assert np.array_equal(found.picture, color_image(picture(0)))


def test_mapped_pixels_are_drawn_into(make_rig: MakeRig) -> None:
    rig = make_rig(order="lazy")
    with drawing(rig, mapped=True) as pipeline:
        tickets = [pipeline.start([picture(seed)]) for seed in range(4)]
        for seed, ticket in enumerate(tickets):
            assert_drawn(ticket.result(), rig, picture(seed))


def test_a_frame_without_result_has_no_picture_and_leaves_the_next_one_alone(make_rig: MakeRig) -> None:
    rig = make_rig()
    plain = rig.plan.handler

    def spoilt(inputs: Any) -> Any:
        outputs = plain(inputs)
        outputs["boxes"][0, 3, 1] = np.nan
        return outputs

    with drawing(rig) as pipeline:
        rig.plan.handler = spoilt
        with pytest.raises(FrameError, match="inference_failed"):
            pipeline.process([picture(0)])
        rig.plan.handler = plain
        assert_drawn(pipeline.process([picture(1)]), rig, picture(1))
