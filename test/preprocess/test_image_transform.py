"""Boxes go from the image to the network and back, in every way of resizing."""

from typing import Any

import numpy as np
import pytest
from helpers.model_specs import input_spec
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from trt_perception.errors import DropReason, FrameError
from trt_perception.model.model_spec import InputSpec
from trt_perception.model.preprocess_options import Resize
from trt_perception.preprocess.image_transform import ImageTransform


@st.composite
def images_and_inputs(draw: st.DrawFn) -> tuple[int, int, InputSpec]:
    side = st.integers(1, 4096)
    width, height = draw(side), draw(side)
    crop = None
    if draw(st.booleans()):
        x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
        crop = (x, y, draw(st.integers(1, width - x)), draw(st.integers(1, height - y)))
    network = st.integers(1, 1280)
    spec = input_spec(draw(network), draw(network), resize=draw(st.sampled_from(list(Resize))), crop=crop)
    return width, height, spec


def fitted_box(spec: InputSpec, crop: tuple[int, int, int, int]) -> tuple[float, float]:
    """Unrounded width and height of a crop that keeps its aspect ratio."""
    ratio = min(spec.width / crop[2], spec.height / crop[3])
    return crop[2] * ratio, crop[3] * ratio


@given(case=images_and_inputs())
def test_the_region_lies_in_the_network_and_fills_one_side(case: tuple[int, int, InputSpec]) -> None:
    width, height, spec = case
    x0, y0, x1, y1 = ImageTransform.of(width, height, spec).network_region
    assert 0 <= x0 < x1 <= spec.width
    assert 0 <= y0 < y1 <= spec.height
    assert x1 - x0 == spec.width or y1 - y0 == spec.height


@given(case=images_and_inputs())
def test_the_aspect_ratio_is_kept_to_a_pixel(case: tuple[int, int, InputSpec]) -> None:
    width, height, spec = case
    transform = ImageTransform.of(width, height, spec)
    x0, y0, x1, y1 = transform.network_region
    got = (x1 - x0, y1 - y0)
    if spec.preprocess.resize is Resize.STRETCH:
        assert got == (spec.width, spec.height)
        return
    want = fitted_box(spec, transform.crop)
    off = 0.5 if spec.preprocess.resize is Resize.LETTERBOX else 1.0
    for a, b in zip(got, want, strict=True):
        assert abs(a - b) <= off + 1e-9 or (a == 1 and b < 1)


@given(case=images_and_inputs())
def test_padding_is_split_evenly_or_all_behind(case: tuple[int, int, InputSpec]) -> None:
    width, height, spec = case
    x0, y0, x1, y1 = ImageTransform.of(width, height, spec).network_region
    after = (spec.width - x1, spec.height - y1)
    if spec.preprocess.resize is Resize.LETTERBOX:
        assert (after[0] - x0, after[1] - y0) in [(0, 0), (0, 1), (1, 0), (1, 1)]
    else:
        assert (x0, y0) == (0, 0)


@given(case=images_and_inputs(), corners=st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_a_box_comes_back_from_the_network(case: tuple[int, int, InputSpec], corners: list[float]) -> None:
    width, height, spec = case
    transform = ImageTransform.of(width, height, spec)
    x, y, w, h = transform.crop
    xs, ys = sorted(corners[:2]), sorted(corners[2:])
    box = np.array([[x + xs[0] * w, y + ys[0] * h, x + xs[1] * w, y + ys[1] * h]])
    assert np.allclose(transform.to_image(to_network(box, transform)), box, atol=2e-3, rtol=1e-6)


@given(case=images_and_inputs(), box=st.lists(st.floats(-5000, 5000, width=32), min_size=4, max_size=4))
def test_every_box_is_clamped_to_the_image(case: tuple[int, int, InputSpec], box: list[float]) -> None:
    width, height, spec = case
    boxes = ImageTransform.of(width, height, spec).to_image(np.array([box], np.float32))
    assert boxes.dtype == np.float32
    assert (boxes >= 0).all()
    assert (boxes <= [width, height, width, height]).all()


# Sizes that YOLOX's preproc (int) and Ultralytics' LetterBox (round) arrive at; computed by hand from their rules.
FAMILY_SIZES = [
    ("yolox_nuscenes", Resize.LETTERBOX_TOP_LEFT, (1600, 900), (416, 416), (0, 0, 416, 234)),
    ("yolox_rounds_down", Resize.LETTERBOX_TOP_LEFT, (1920, 1207), (640, 640), (0, 0, 640, 402)),
    ("yolox_portrait", Resize.LETTERBOX_TOP_LEFT, (1207, 1920), (640, 640), (0, 0, 402, 640)),
    ("ultralytics_1080p", Resize.LETTERBOX, (1920, 1080), (640, 640), (0, 140, 640, 500)),
    ("ultralytics_rounds", Resize.LETTERBOX, (1920, 1208), (640, 640), (0, 118, 640, 521)),
    ("ultralytics_half_to_even", Resize.LETTERBOX, (4, 2), (5, 5), (0, 1, 5, 3)),
    ("odd_padding_goes_below", Resize.LETTERBOX, (100, 50), (100, 101), (0, 25, 100, 75)),
    ("enlarged", Resize.LETTERBOX, (10, 10), (64, 32), (16, 0, 48, 32)),
    ("stretched", Resize.STRETCH, (1600, 900), (416, 416), (0, 0, 416, 416)),
    ("nothing_left_of_a_line", Resize.LETTERBOX_TOP_LEFT, (4000, 1), (64, 64), (0, 0, 64, 1)),
]


@pytest.mark.parametrize(
    ("resize", "size", "network", "region"), [case[1:] for case in FAMILY_SIZES], ids=[case[0] for case in FAMILY_SIZES]
)
def test_resized_sizes_are_those_of_the_families(
    resize: Resize, size: tuple[int, int], network: tuple[int, int], region: tuple[int, int, int, int]
) -> None:
    assert ImageTransform.of(*size, input_spec(*network, resize=resize)).network_region == region


def test_a_box_of_a_crop_is_moved_to_where_the_crop_lies() -> None:
    spec = input_spec(100, 100, resize=Resize.STRETCH, crop=(300, 200, 200, 400))
    boxes = ImageTransform.of(640, 640, spec).to_image(np.array([[10, 10, 20, 30]]))
    assert boxes.tolist() == [[320, 240, 340, 320]]


@pytest.mark.parametrize("crop", [(600, 0, 41, 10), (0, 470, 10, 11), (0, 0, 641, 481)])
def test_a_crop_outside_the_image_is_a_bad_size(crop: tuple[int, int, int, int]) -> None:
    with pytest.raises(FrameError, match="640 x 480") as caught:
        ImageTransform.of(640, 480, input_spec(64, 64, crop=crop))
    assert caught.value.reason is DropReason.BAD_SIZE


def to_network(boxes: NDArray[Any], transform: ImageTransform) -> NDArray[np.float64]:
    x, y, w, h = transform.crop
    x0, y0, x1, y1 = transform.network_region
    scale = np.array([(x1 - x0) / w, (y1 - y0) / h] * 2)
    return np.asarray((boxes - [x, y, x, y]) * scale + [x0, y0, x0, y0], np.float64)
