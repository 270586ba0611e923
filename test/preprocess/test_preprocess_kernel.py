"""The kernel makes the tensors of ImagePreprocessor, bit for bit: by the stand-in for CUDA, and by a GPU under -m gpu.

OpenCV promises one grey level; on x86 it and the kernel agree in every bit, which is what is checked.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from helpers.frames import make_frame
from helpers.model_specs import input_spec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from trt_perception.encoding import Encoding
from trt_perception.errors import ConfigError, FrameError
from trt_perception.frame import Frame
from trt_perception.kernel_call import KernelCall
from trt_perception.model.model_spec import InputSpec, TensorType
from trt_perception.model.preprocess_options import ChannelOrder, Interpolation, Layout, Resize
from trt_perception.preprocess.frame_layout import FrameLayout
from trt_perception.preprocess.image_preprocessor import ImagePreprocessor
from trt_perception.preprocess.preprocess_kernel import PreprocessKernel

if TYPE_CHECKING:
    from helpers.kernel_bench import KernelBench

pytestmark = pytest.mark.skipif(sys.byteorder != "little", reason="mono16 is read as little-endian")

HERE = Path(__file__).parent
PAGE_PART = 256
"""Memory that ends at such an address ends where the stand-in faults."""

ENCODINGS = pytest.mark.parametrize("encoding", list(Encoding), ids=lambda encoding: encoding.value)
WORD_ENCODINGS = [Encoding.BGR8, Encoding.BGRA8, Encoding.NV12, Encoding.BAYER_RGGB8]
SOME_ENCODINGS = [Encoding.RGB8, Encoding.MONO16, Encoding.NV21, Encoding.BAYER_GBRG8]
# Network sizes for images of 60 x 44 that OpenCV resizes each in its own way.
WAYS: dict[str, tuple[Interpolation, list[tuple[int, int]]]] = {
    "not_resized": (Interpolation.BILINEAR, [(60, 44)]),
    "bilinear": (Interpolation.BILINEAR, [(41, 33), (97, 70), (60, 21), (20, 11), (1, 1)]),
    "halved": (Interpolation.BILINEAR, [(30, 22)]),
    "area": (Interpolation.AREA, [(41, 33), (60, 21), (7, 9)]),
}
RARE_WAYS: dict[str, tuple[Interpolation, list[tuple[int, int]]]] = {
    "area_of_whole_pixels": (Interpolation.AREA, [(20, 11), (60, 22), (1, 1)]),
    "area_enlarged": (Interpolation.AREA, [(97, 70), (30, 50)]),
}


def noise_frame(encoding: Encoding, width: int, height: int, *, padding: int = 0, seed: int = 0) -> Frame:
    """Random bytes, which end with the last pixel."""
    shape = (encoding.row_count(height), encoding.row_bytes(width))
    rows = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    return make_frame(rows, encoding, width=width, height=height, padding=padding, cut_last_padding=True)


def tensor_of(
    bench: KernelBench, spec: InputSpec, frame: Frame, *, ends_memory: bool = False, **options: Any
) -> NDArray[Any]:
    """The kernel's tensor.

    Args:
        bench: Where the kernel runs.
        spec: Of the tensor.
        frame: Of which image.
        ends_memory: Whether the pixels end where memory does, rather than begin aligned.
        options: Of the kernel.
    """
    kernel, layout = PreprocessKernel(spec, **options), FrameLayout.of(frame)
    data = frame.data[: layout.nbytes]
    front = -data.size % PAGE_PART if ends_memory else 0
    pixels = int(bench.put(np.concatenate((np.zeros(front, np.uint8), data)))) + front
    dtype = np.dtype(spec.dtype.value)
    tensor = bench.room(int(np.prod(spec.shape)) * dtype.itemsize)
    bench.run(kernel.calls(layout, pixels=pixels, constants=int(bench.put(kernel.constants())), tensor=int(tensor)))
    return bench.get(tensor, spec.shape, dtype)


def assert_same_bits(got: NDArray[Any], want: NDArray[Any]) -> None:
    assert got.dtype == want.dtype
    np.testing.assert_array_equal(got.view(f"u{got.itemsize}"), want.view(f"u{want.itemsize}"))


def check(bench: KernelBench, spec: InputSpec, frame: Frame, **options: Any) -> None:
    assert_same_bits(tensor_of(bench, spec, frame, **options), ImagePreprocessor(spec)(frame)[0])
    bench.clear()


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
@ENCODINGS
def test_every_encoding_in_every_way_of_resizing(
    kernel_bench: KernelBench, encoding: Encoding, way: tuple[Interpolation, list[tuple[int, int]]]
) -> None:
    interpolation, sizes = way
    for index, (width, height) in enumerate(sizes):
        spec = input_spec(width, height, interpolation=interpolation, resize=Resize.STRETCH)
        check(kernel_bench, spec, noise_frame(encoding, 60, 44, padding=4 * index, seed=index), ends_memory=True)


@pytest.mark.parametrize("way", RARE_WAYS.values(), ids=RARE_WAYS.keys())
@pytest.mark.parametrize(
    "encoding",
    [Encoding.RGB8, Encoding.MONO16, Encoding.NV21, Encoding.BAYER_GBRG8],
    ids=lambda encoding: encoding.value,
)
def test_rare_ways_of_resizing(
    kernel_bench: KernelBench, encoding: Encoding, way: tuple[Interpolation, list[tuple[int, int]]]
) -> None:
    test_every_encoding_in_every_way_of_resizing(kernel_bench, encoding, way)


@ENCODINGS
def test_rows_that_no_word_begins_with(kernel_bench: KernelBench, encoding: Encoding) -> None:
    for padding, width in ((1, 58), (3, 64)):
        frame = noise_frame(encoding, width, 45, padding=padding)
        check(kernel_bench, input_spec(40, 30, resize=Resize.STRETCH), frame)


@pytest.mark.parametrize("network", [(9, 9), (3, 2), (7, 4)], ids=str)
@pytest.mark.parametrize("size", [(5, 4), (7, 5), (8, 6), (4, 4), (1, 4), (2, 7)], ids=str)
@pytest.mark.parametrize(
    "encoding",
    [Encoding.BGR8, Encoding.BGRA8, Encoding.NV12, Encoding.BAYER_RGGB8],
    ids=lambda encoding: encoding.value,
)
def test_no_byte_beside_the_image_is_read(
    kernel_bench: KernelBench, encoding: Encoding, size: tuple[int, int], network: tuple[int, int]
) -> None:
    width, height = (max(4, side) for side in size) if encoding.is_bayer else size
    frame = noise_frame(encoding, width, height)
    kernel, layout = PreprocessKernel(input_spec(*network, resize=Resize.STRETCH)), FrameLayout.of(frame)
    memory = int(kernel_bench.put(np.concatenate((np.zeros(64, np.uint8), frame.data, np.zeros(64, np.uint8)))))
    tensor, out = kernel_bench.room(12 * network[0] * network[1]), kernel_bench.room(16)
    constants = int(kernel_bench.put(kernel.constants()))
    (call,) = kernel.calls(layout, pixels=memory + 64, constants=constants, tensor=int(tensor))
    watched = replace(call, source=replace(call.source, file="recorded_reads.cu"))
    one = {"grid": (1, 1, 1), "block": (1, 1, 1)}
    begin, end = np.uint64(memory), np.uint64(memory + 128 + layout.nbytes)
    watch = KernelCall(source=replace(watched.source, function="watch"), arguments=(begin, end), **one)
    report = KernelCall(source=replace(watched.source, function="report"), arguments=(out,), **one)
    kernel_bench.run([watch, watched, report], root=HERE)
    first, behind = kernel_bench.get(out, (2,), np.int64).tolist()
    assert 64 <= first < behind <= 64 + layout.nbytes


ODD = {
    "nv12": (Encoding.NV12, 33, 27),
    "nv21": (Encoding.NV21, 1, 1),
    "bayer_grbg8": (Encoding.BAYER_GRBG8, 33, 27),
    "bayer_bggr8": (Encoding.BAYER_BGGR8, 5, 4),
    "yuyv": (Encoding.YUYV, 34, 27),
}


@pytest.mark.parametrize(("encoding", "width", "height"), ODD.values(), ids=ODD.keys())
def test_odd_images_with_shared_colours(kernel_bench: KernelBench, encoding: Encoding, width: int, height: int) -> None:
    for crop in (None, (1, 1, width - 1, height - 1)):
        if crop is None or min(crop) > 0:
            spec = input_spec(20, 50, crop=crop)
            check(kernel_bench, spec, noise_frame(encoding, width, height, padding=3))


FORMATS = [
    (TensorType.FLOAT32, ChannelOrder.BGR, Layout.NHWC),
    (TensorType.FLOAT32, ChannelOrder.MONO, Layout.NCHW),
    (TensorType.FLOAT16, ChannelOrder.RGB, Layout.NCHW),
    (TensorType.FLOAT16, ChannelOrder.BGR, Layout.NHWC),
    (TensorType.UINT8, ChannelOrder.RGB, Layout.NHWC),
    (TensorType.INT8, ChannelOrder.BGR, Layout.NCHW),
    (TensorType.INT8, ChannelOrder.MONO, Layout.NHWC),
]


@pytest.mark.parametrize("resize", list(Resize), ids=lambda resize: resize.value)
@pytest.mark.parametrize("form", FORMATS, ids=lambda form: "_".join(item.value for item in form))
def test_every_type_order_and_layout(
    kernel_bench: KernelBench, form: tuple[TensorType, ChannelOrder, Layout], resize: Resize
) -> None:
    dtype, order, layout = form
    scale = 1 / 255 if dtype in (TensorType.FLOAT32, TensorType.FLOAT16) else 0.9
    for width, height in ((75, 43), (43, 75)):
        spec = input_spec(
            width, height, dtype=dtype, channel_order=order, layout=layout, resize=resize,
            scale=scale, mean=(0.485, 20.0, -3.0), std=(0.229, 0.7, 1.3), pad_value=77,
        )  # fmt: skip
        check(kernel_bench, spec, noise_frame(Encoding.BGR8, 90, 61, padding=5))


def test_grey_frames_fill_every_channel(kernel_bench: KernelBench) -> None:
    for order in ChannelOrder:
        spec = input_spec(40, 40, channel_order=order, mean=(0.1, 0.2, 0.3))
        check(kernel_bench, spec, noise_frame(Encoding.MONO8, 51, 37))


@pytest.mark.parametrize("pixels_per_thread", [1, 4])
def test_tiles_of_another_width_make_the_same(kernel_bench: KernelBench, pixels_per_thread: int) -> None:
    frame = noise_frame(Encoding.RGB8, 300, 70)
    check(kernel_bench, input_spec(200, 100), frame, pixels_per_thread=pixels_per_thread)


CAMERAS = {
    "1080p": (1920, 1080, 640, 640),
    "1208p": (1920, 1208, 640, 640),
    "nuscenes": (1600, 900, 416, 416),
    "size_m": (1920, 1080, 960, 544),
}


@pytest.mark.parametrize(("width", "height", "network_width", "network_height"), CAMERAS.values(), ids=CAMERAS.keys())
def test_images_of_cameras(
    kernel_bench: KernelBench, width: int, height: int, network_width: int, network_height: int
) -> None:
    check(kernel_bench, input_spec(network_width, network_height), noise_frame(Encoding.BGR8, width, height))


@st.composite
def frames_and_specs(draw: st.DrawFn) -> tuple[Frame, InputSpec]:
    encoding = draw(st.sampled_from([Encoding.BGR8, Encoding.NV12, Encoding.BAYER_RGGB8]))
    side = st.integers(4 if encoding.is_bayer else 1, 300)
    width, height = draw(side), draw(side)
    crop = None
    if draw(st.booleans()):
        x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
        crop = (x, y, draw(st.integers(1, width - x)), draw(st.integers(1, height - y)))
    network = st.integers(1, 150)
    spec = input_spec(
        draw(network),
        draw(network),
        crop=crop,
        resize=draw(st.sampled_from(list(Resize))),
        interpolation=draw(st.sampled_from(list(Interpolation))),
    )
    padding = draw(st.sampled_from([0, 1, 4, 64]))
    return noise_frame(encoding, width, height, padding=padding, seed=draw(st.integers(0, 99))), spec


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=frames_and_specs(), ends_memory=st.booleans())
def test_any_size_pitch_and_crop(kernel_bench: KernelBench, case: tuple[Frame, InputSpec], ends_memory: bool) -> None:
    frame, spec = case
    check(kernel_bench, spec, frame, ends_memory=ends_memory)


def test_the_same_image_gives_the_same_bytes(kernel_bench: KernelBench) -> None:
    spec, frame = input_spec(70, 50, dtype=TensorType.FLOAT16, layout=Layout.NHWC), noise_frame(Encoding.NV12, 90, 61)
    first = tensor_of(kernel_bench, spec, frame)
    for _ in range(2):  # the stand-in's other orders
        assert_same_bits(tensor_of(kernel_bench, spec, frame), first)


def test_a_layout_gives_the_same_work_for_every_frame() -> None:
    kernel = PreprocessKernel(input_spec(64, 48))
    addresses = {"pixels": 4096, "constants": 8192, "tensor": 16384}
    first, second = (FrameLayout.of(noise_frame(Encoding.BGR8, 90, 61, seed=seed)) for seed in (1, 2))
    assert kernel.calls(first, **addresses) == kernel.calls(second, **addresses)
    assert len({first, second}) == 1


BAD_FRAMES = {
    "crop": (input_spec(64, 48, crop=(0, 0, 100, 100)), Encoding.BGR8, 160, 90),
    "odd_width": (input_spec(64, 48), Encoding.UYVY, 11, 4),
    "bayer_without_neighbours": (input_spec(64, 48), Encoding.BAYER_RGGB8, 8, 3),
}


@pytest.mark.parametrize(("spec", "encoding", "width", "height"), BAD_FRAMES.values(), ids=BAD_FRAMES.keys())
def test_frames_are_refused_as_by_the_reference(spec: InputSpec, encoding: Encoding, width: int, height: int) -> None:
    frame = noise_frame(encoding, width, height)
    with pytest.raises(FrameError) as expected:
        ImagePreprocessor(spec)(frame)
    with pytest.raises(FrameError) as caught:
        PreprocessKernel(spec).calls(FrameLayout.of(frame), pixels=4096, constants=4096, tensor=4096)
    assert (str(caught.value), caught.value.reason) == (str(expected.value), expected.value.reason)


BAD_INPUTS = {
    "batch": replace(input_spec(64, 48), shape=(2, 3, 48, 64)),
    "channels": replace(input_spec(64, 48), shape=(1, 4, 48, 64)),
    "dtype": input_spec(64, 48, dtype=TensorType.INT64),
}


@pytest.mark.parametrize("spec", BAD_INPUTS.values(), ids=BAD_INPUTS.keys())
def test_inputs_are_refused_as_by_the_reference(spec: InputSpec) -> None:
    with pytest.raises(ConfigError) as expected:
        ImagePreprocessor(spec)
    with pytest.raises(ConfigError) as caught:
        PreprocessKernel(spec)
    assert str(caught.value) == str(expected.value)
