"""Tensors have the values of the plain formula in float64, in every type, layout and way of resizing."""

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.frames import bgr_frame, make_frame, noise_image, scene_image
from helpers.model_specs import input_spec
from numpy.typing import NDArray

from trt_perception.encoding import Encoding
from trt_perception.errors import ConfigError, FrameError
from trt_perception.model.model_spec import InputSpec, TensorType
from trt_perception.model.preprocess_options import ChannelOrder, Interpolation, Layout, Resize
from trt_perception.preprocess.image_preprocessor import ImagePreprocessor

IMAGENET = {"scale": 1 / 255, "mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
YOLOX = {"scale": 1.0, "channel_order": ChannelOrder.BGR, "resize": Resize.LETTERBOX_TOP_LEFT}
CASES: dict[str, dict[str, Any]] = {
    "defaults": {},
    "yolox": YOLOX,
    "imagenet": IMAGENET,
    "imagenet_bgr": {**IMAGENET, "channel_order": ChannelOrder.BGR},
    "nhwc": {**IMAGENET, "layout": Layout.NHWC},
    "yolox_nhwc": {**YOLOX, "layout": Layout.NHWC},
    "mono": {"channel_order": ChannelOrder.MONO, "mean": (0.5, 9, 9), "std": (0.25, 9, 9)},
    "mono_nhwc": {"channel_order": ChannelOrder.MONO, "layout": Layout.NHWC},
    "crop": {"crop": (13, 5, 61, 40)},
    "area": {"interpolation": Interpolation.AREA, **IMAGENET},
    "pad_0": {"pad_value": 0, **IMAGENET},
}
TYPES = [TensorType.FLOAT32, TensorType.FLOAT16]
SIZES = {"reduced": (90, 160), "odd": (91, 77), "enlarged": (13, 30), "equal": (48, 64), "wider": (24, 64)}


@pytest.mark.parametrize("dtype", TYPES, ids=lambda dtype: dtype.value)
@pytest.mark.parametrize("resize", list(Resize), ids=lambda resize: resize.value)
@pytest.mark.parametrize("options", CASES.values(), ids=CASES.keys())
def test_values_are_those_of_the_formula(options: dict[str, Any], resize: Resize, dtype: TensorType) -> None:
    spec = input_spec(64, 48, dtype=dtype, **{"resize": resize, **options})
    image = scene_image(90, 160)
    tensor, transform = ImagePreprocessor(spec)(bgr_frame(image, padding=7))
    expected = formula(image, spec, transform.network_region).astype(dtype.value)
    assert tensor.dtype == expected.dtype
    assert tensor.flags.c_contiguous
    assert np.array_equal(tensor, expected)


@pytest.mark.parametrize("resize", list(Resize), ids=lambda resize: resize.value)
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES.keys())
def test_resizing_is_bilinear_at_pixel_centres(size: tuple[int, int], resize: Resize) -> None:
    image = noise_image(*size)
    spec = input_spec(64, 48, resize=resize, scale=1.0, channel_order=ChannelOrder.BGR)
    tensor, transform = ImagePreprocessor(spec)(bgr_frame(image))
    x0, y0, x1, y1 = transform.network_region
    got = tensor[0, :, y0:y1, x0:x1].transpose(1, 2, 0)
    # OpenCV weighs in steps of 1/2048 and rounds to whole grey levels.
    assert np.abs(got - bilinear(image, x1 - x0, y1 - y0)).max() <= 1.0
    outside = np.ones((48, 64), bool)
    outside[y0:y1, x0:x1] = False
    assert (tensor[0, :, outside] == 114).all()


def test_area_takes_the_mean() -> None:
    image = noise_image(96, 128)
    spec = input_spec(32, 24, scale=1.0, channel_order=ChannelOrder.BGR, interpolation=Interpolation.AREA)
    tensor, _ = ImagePreprocessor(spec)(bgr_frame(image))
    mean = image.reshape(24, 4, 32, 4, 3).mean(axis=(1, 3)).transpose(2, 0, 1)
    assert np.abs(tensor[0] - mean).max() <= 0.5 + 1e-6


INTEGERS = {
    "uint8_as_it_is": (TensorType.UINT8, 1.0, 0.0, 1.0),
    "int8_zero_point": (TensorType.INT8, 1.0, 128.0, 1.0),
    "int8_quantized": (TensorType.INT8, 1 / 255, 0.5, 0.0078125),
    "uint8_saturated": (TensorType.UINT8, 2.0, 100.0, 1.0),
    "int8_saturated": (TensorType.INT8, 4.0, 300.0, 1.0),
    "half_to_even": (TensorType.UINT8, 0.5, 0.0, 1.0),
}


@pytest.mark.parametrize("layout", list(Layout), ids=lambda layout: layout.value)
@pytest.mark.parametrize("case", INTEGERS.values(), ids=INTEGERS.keys())
def test_integers_are_rounded_and_saturated(case: tuple[TensorType, float, float, float], layout: Layout) -> None:
    dtype, scale, mean, std = case
    spec = input_spec(
        16, 16, dtype=dtype, layout=layout, resize=Resize.STRETCH, scale=scale, mean=(mean,) * 3, std=(std,) * 3
    )
    image = np.arange(256, dtype=np.uint8).reshape(16, 16)[:, :, None].repeat(3, axis=2)
    tensor, _ = ImagePreprocessor(spec)(bgr_frame(image))
    limits = np.iinfo(dtype.value)
    expected = [min(max(round((x * scale - mean) / std), limits.min), limits.max) for x in range(256)]
    plane = tensor[0, 0] if layout is Layout.NCHW else tensor[0, :, :, 2]
    assert tensor.dtype == dtype.value
    assert plane.ravel().tolist() == expected


@pytest.mark.parametrize("order", list(ChannelOrder), ids=lambda order: order.value)
@pytest.mark.parametrize(
    ("encoding", "planes"),
    [(Encoding.RGB8, [2, 1, 0]), (Encoding.BGRA8, [0, 1, 2, 1]), (Encoding.RGBA8, [2, 1, 0, 0])],
    ids=["rgb8", "bgra8", "rgba8"],
)
def test_the_same_picture_in_another_encoding_gives_the_same_tensor(
    encoding: Encoding, planes: list[int], order: ChannelOrder
) -> None:
    image = scene_image(90, 161)
    preprocess = ImagePreprocessor(input_spec(64, 48, channel_order=order))
    rows = np.ascontiguousarray(image[:, :, planes]).reshape(90, -1)
    other, _ = preprocess(make_frame(rows, encoding, width=161, height=90, padding=3))
    assert np.array_equal(other, preprocess(bgr_frame(image))[0])


@pytest.mark.parametrize("order", list(ChannelOrder), ids=lambda order: order.value)
@pytest.mark.parametrize("height", [48, 90], ids=["not_resized", "resized"])
def test_grey_frames_fill_every_channel(order: ChannelOrder, height: int) -> None:
    grey = noise_image(height, 64)[:, :, 0]
    spec = input_spec(64, 48, channel_order=order, resize=Resize.STRETCH, scale=1.0)
    tensor, _ = ImagePreprocessor(spec)(make_frame(grey, Encoding.MONO8, width=64, height=height))
    for plane in tensor[0]:
        assert np.abs(plane - bilinear(grey[:, :, None], 64, 48)[:, :, 0]).max() <= 1.0


def test_tensors_of_one_preprocessor_do_not_share_memory() -> None:
    preprocess = ImagePreprocessor(input_spec(64, 48))
    first, _ = preprocess(bgr_frame(noise_image(48, 64)))
    before = first.copy()
    second, _ = preprocess(bgr_frame(noise_image(48, 64, seed=1)))
    assert not np.shares_memory(first, second)
    assert np.array_equal(first, before)


def test_sizes_may_change_from_frame_to_frame() -> None:
    preprocess = ImagePreprocessor(input_spec(64, 48))
    regions = [preprocess(bgr_frame(noise_image(*size)))[1].network_region for size in ((48, 64), (48, 48), (48, 64))]
    assert regions == [(0, 0, 64, 48), (8, 0, 56, 48), (0, 0, 64, 48)]


def test_a_frame_smaller_than_the_crop_is_refused() -> None:
    with pytest.raises(FrameError, match="crop"):
        ImagePreprocessor(input_spec(64, 48, crop=(0, 0, 100, 100)))(bgr_frame(noise_image(90, 160)))


BAD_INPUTS = {
    "batch": (replace(input_spec(64, 48), shape=(2, 3, 48, 64)), "batch of 1, got 2"),
    "channels": (replace(input_spec(64, 48), shape=(1, 4, 48, 64)), "3 channels, got 4"),
    "layout": (replace(input_spec(64, 48, layout=Layout.NHWC), shape=(1, 3, 48, 64)), "3 channels, got 64"),
    "mono": (replace(input_spec(64, 48, channel_order=ChannelOrder.MONO), shape=(1, 3, 48, 64)), "1 channels, got 3"),
    "dtype": (input_spec(64, 48, dtype=TensorType.INT64), "got int64"),
}


@pytest.mark.parametrize(("spec", "problem"), BAD_INPUTS.values(), ids=BAD_INPUTS.keys())
def test_an_input_that_is_no_image_is_refused(spec: InputSpec, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        ImagePreprocessor(spec)


def formula(image: NDArray[np.uint8], spec: InputSpec, region: tuple[int, int, int, int]) -> NDArray[np.float64]:
    """Crop, cv2.resize, pad, order, normalise and transpose, each a step of its own on the whole image."""
    options = spec.preprocess
    if options.crop is not None:
        x, y, width, height = options.crop
        image = image[y : y + height, x : x + width]
    x0, y0, x1, y1 = region
    method = cv2.INTER_AREA if options.interpolation is Interpolation.AREA else cv2.INTER_LINEAR
    padded: NDArray[Any] = np.full((spec.height, spec.width, 3), options.pad_value, np.uint8)
    padded[y0:y1, x0:x1] = cv2.resize(np.ascontiguousarray(image), (x1 - x0, y1 - y0), interpolation=method)
    if options.channel_order is ChannelOrder.RGB:
        padded = padded[:, :, ::-1]
    elif options.channel_order is ChannelOrder.MONO:
        padded = cv2.cvtColor(padded, cv2.COLOR_BGR2GRAY)[:, :, None]
    channels = padded.shape[2]
    values = (padded.astype(np.float64) * options.scale - options.mean[:channels]) / options.std[:channels]
    return values[None] if options.layout is Layout.NHWC else values.transpose(2, 0, 1)[None]


def bilinear(image: NDArray[np.uint8], width: int, height: int) -> NDArray[np.float64]:
    """Position (i + 0.5) * scale - 0.5, borders repeated: the rule of cv2.INTER_LINEAR, on float64."""
    rows, columns = (
        np.clip((np.arange(count) + 0.5) * (size / count) - 0.5, 0, size - 1)
        for count, size in ((height, image.shape[0]), (width, image.shape[1]))
    )
    top, left = rows.astype(int), columns.astype(int)
    bottom, right = np.minimum(top + 1, image.shape[0] - 1), np.minimum(left + 1, image.shape[1] - 1)
    down, across = (rows - top)[:, None, None], (columns - left)[None, :, None]
    values = image.astype(np.float64)
    upper = values[top][:, left] * (1 - across) + values[top][:, right] * across
    lower = values[bottom][:, left] * (1 - across) + values[bottom][:, right] * across
    return np.asarray(upper * (1 - down) + lower * down)
