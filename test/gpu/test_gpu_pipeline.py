"""Frames that stay on the GPU from pixels to results, against the pipeline that has the engine alone there.

Needs what test_tensorrt_backend.py needs, and NVRTC. The engines of the demo models take a minute to build; the folder
TRT_PERCEPTION_TEST_ENGINES keeps them. How fast anything is, bench measures.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from time import monotonic_ns
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.frames import bgr_frame, encoded_frame, make_frame
from numpy.typing import NDArray

from trt_perception.demo.drive import Drive
from trt_perception.demo.drive_options import DriveOptions
from trt_perception.detections import Detections
from trt_perception.draw.annotate import annotate
from trt_perception.encoding import Encoding
from trt_perception.engine.any_spec import any_spec
from trt_perception.errors import DeviceError
from trt_perception.frame import EncodedFrame, Frame
from trt_perception.preprocess.color_image import color_image
from trt_perception.preprocess.decode_image import decode_image
from trt_perception.result import HeadResult, Result
from trt_perception.runtime.camera_upload import CameraUpload
from trt_perception.runtime.gpu_pipeline import GpuPipeline
from trt_perception.runtime.open_engine import OpenedEngine, open_engine
from trt_perception.runtime.pipeline import Pipeline
from trt_perception.runtime.tensorrt_backend import TensorRtBackend
from trt_perception.runtime.tensorrt_engine import TensorRtEngine
from trt_perception.thresholds import Thresholds

pytestmark = [pytest.mark.gpu, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def opened(trt: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenedEngine]:
    from helpers.demo_engine import demo_engine

    found = open_engine(demo_engine("demo_model", tmp_path_factory.mktemp("demo")))
    yield found
    found.engine.close()


@pytest.fixture(scope="module")
def pair(trt: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenedEngine]:
    """The engine with two inputs."""
    from helpers.demo_engine import demo_engine

    found = open_engine(demo_engine("demo_model_rgb_ir", tmp_path_factory.mktemp("pair")))
    yield found
    found.engine.close()


@pytest.fixture(scope="module")
def images() -> list[NDArray[np.uint8]]:
    """What six cameras see at one instant: uint8 (544, 960, 3) BGR each."""
    sample = Drive(options=DriveOptions(cameras=6)).sample(8)
    return list(sample.images.values())


@pytest.fixture(scope="module")
def reference(opened: OpenedEngine) -> Iterator[Pipeline]:
    """The same engine with preprocessing and decoding on the host."""
    with Pipeline(spec_of(opened), TensorRtBackend(spec_of(opened), engine=path_of(opened))) as pipeline:
        yield pipeline


def path_of(opened: OpenedEngine) -> Path:
    return Path(opened.engine.name)


def spec_of(opened: OpenedEngine) -> Any:
    return any_spec(path_of(opened))


def make(opened: OpenedEngine, **options: Any) -> GpuPipeline:
    return GpuPipeline(spec_of(opened), opened, **options)


def raw(result: HeadResult) -> bytes:
    if isinstance(result, Detections):
        return result.boxes.tobytes() + result.scores.tobytes() + result.class_ids.tobytes()
    return result.class_ids.tobytes()


def same_bytes(one: Result, other: Result) -> bool:
    return {name: raw(head) for name, head in one.heads.items()} == {
        name: raw(head) for name, head in other.heads.items()
    }


def assert_like(got: Result, expected: Result) -> None:
    """The same objects, with floats as far apart as other orders of the same sums bring them; the same masks."""
    assert list(got.heads) == list(expected.heads)
    for name, head in expected.heads.items():
        found = got.heads[name]
        if isinstance(head, Detections):
            assert isinstance(found, Detections)
            np.testing.assert_array_equal(found.class_ids, head.class_ids)
            np.testing.assert_allclose(found.scores, head.scores, rtol=0, atol=1e-5)
            np.testing.assert_allclose(found.boxes, head.boxes, rtol=0, atol=1e-2)
        else:
            assert not isinstance(found, Detections)
            np.testing.assert_array_equal(found.class_ids, head.class_ids)


def noise_frame(encoding: Encoding, width: int, height: int, *, padding: int = 0) -> Frame:
    rows = np.random.default_rng(3).integers(
        0, 256, (encoding.row_count(height), encoding.row_bytes(width)), dtype=np.uint8
    )
    return make_frame(rows, encoding, width=width, height=height, padding=padding)


def layouts(images: Sequence[NDArray[np.uint8]]) -> dict[str, Frame | EncodedFrame]:
    """Frames of many kinds; those of real pictures hold objects."""
    image = images[0]
    large = cv2.resize(image, (1920, 1080)).astype(np.uint8)
    rgb = np.ascontiguousarray(image[:, :, ::-1]).reshape(image.shape[0], -1)
    found: dict[str, Frame | EncodedFrame] = {
        "bgr8": bgr_frame(image),
        "bgr8_full_hd": bgr_frame(large),
        "bgr8_padded": bgr_frame(images[1], padding=37),
        "rgb8": make_frame(rgb, Encoding.RGB8, width=image.shape[1], height=image.shape[0]),
        "jpeg": encoded_frame(cv2.imencode(".jpg", images[2])[1].tobytes()),
        "tiny": bgr_frame(image[:40, :60]),
    }
    for encoding in (Encoding.NV12, Encoding.UYVY, Encoding.BAYER_RGGB8, Encoding.MONO16, Encoding.BGRA8):
        found[encoding.value] = noise_frame(encoding, 1280, 720, padding=16)
    return found


def test_every_kind_of_frame_gives_what_the_host_gives(
    opened: OpenedEngine, reference: Pipeline, images: list[NDArray[np.uint8]]
) -> None:
    with make(opened) as pipeline:
        assert pipeline.note == "CUDA graph"
        for name, frame in layouts(images).items():
            expected = reference.process([frame])
            for _ in range(3):  # call by call, then as a graph of either slot
                got = pipeline.process([frame])
                try:
                    assert_like(got, expected)
                except AssertionError as error:
                    raise AssertionError(f"{name}: {error}") from error
            if name.startswith(("bgr8", "rgb8", "jpeg")):
                assert any(isinstance(head, Detections) and len(head) for head in got.heads.values()), name
        assert pipeline.note == "CUDA graph"


def test_pictures_are_those_drawn_on_the_host(opened: OpenedEngine, images: list[NDArray[np.uint8]]) -> None:
    """Of the same results; letters may differ by the rounding of their edges."""
    spec = spec_of(opened)
    letters = 1 if int(cv2.__version__.split(".")[0]) >= 5 else 8
    with make(opened) as pipeline:
        pipeline.draw(spec, wanted=lambda: True, left_out={})
        for name, frame in layouts(images).items():
            for _ in range(2):  # before and after the graph is captured
                found = pipeline.process([frame])
                assert found.picture is not None
                image = color_image(decode_image(frame) if isinstance(frame, EncodedFrame) else frame)
                drawn = annotate(image, Result(heads=found.heads), spec)
                assert np.abs(found.picture.astype(int) - drawn).max() <= letters, name


def test_frames_take_no_memory(opened: OpenedEngine, images: list[NDArray[np.uint8]]) -> None:
    gpu = opened.engine.gpu
    taken = []
    with make(opened) as pipeline:
        for image in images:
            pipeline.process([bgr_frame(image)])
        allocations = gpu.allocations
        for _ in range(5):  # other processes may take memory of the same GPU meanwhile, and give it back
            free = gpu.free_bytes()
            for image in images * 10:
                pipeline.process([bgr_frame(image)])
            taken.append(free - gpu.free_bytes())
        assert gpu.allocations == allocations
    assert min(map(abs, taken)) == 0, taken


def test_the_sum_of_memory_is_near_to_what_it_takes(opened: OpenedEngine) -> None:
    gpu = opened.engine.gpu
    make_and_close(opened)  # CUDA loads kernels once and keeps them
    changes = []
    for _ in range(5):  # as above
        before = gpu.free_bytes()
        upload = CameraUpload(gpu)
        with make(opened, uploads=[upload]) as pipeline:
            during = gpu.free_bytes()
            needed = pipeline.memory.own_bytes + pipeline.memory.frame_bytes
        upload.close()
        changes.append((before - during - needed, gpu.free_bytes() - before))
    # CUDA hands out memory in pieces of 2 MiB, and takes some for graphs.
    assert any(-(2**21) <= more <= 64 * 2**20 and left == 0 for more, left in changes), changes


def make_and_close(opened: OpenedEngine) -> None:
    with make(opened):
        pass


def test_graph_plain_calls_and_mapped_memory_give_the_same_bytes(
    opened: OpenedEngine, images: list[NDArray[np.uint8]]
) -> None:
    options: dict[str, dict[str, Any]] = {
        "graph": {},
        "again": {},
        "plain": {"graph": False},
        "mapped": {"mapped": True},
        "traced": {"trace": True},
        "one_slot": {"slots": 1},
    }
    results = {}
    for name, chosen in options.items():
        with make(opened, **chosen) as pipeline:
            results[name] = [pipeline.process([bgr_frame(image)]) for image in images for _ in range(2)]
            assert ("no CUDA graph" in pipeline.note) == (name == "plain")
    for name, found in results.items():
        assert all(map(same_bytes, found, results["graph"])), name


@pytest.mark.parametrize("mapped", [False, True], ids=["uploaded", "mapped"])
def test_pixels_in_registered_shared_memory(
    opened: OpenedEngine, images: list[NDArray[np.uint8]], mapped: bool
) -> None:
    gpu = opened.engine.gpu
    size = images[0].nbytes
    room = -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
    with mmap.mmap(-1, 3 * room) as memory:
        ring = np.frombuffer(memory, np.uint8)
        gpu.register(ring.ctypes.data, ring.nbytes)
        with make(opened) as pipeline:
            expected = [pipeline.process([bgr_frame(image)]) for image in images]
        with make(opened, mapped=mapped) as pipeline:
            for turn in range(3):
                for index, image in enumerate(images):
                    place = ring[(index % 3) * room :][:size]
                    place[:] = image.reshape(-1)
                    got = pipeline.process([replace(bgr_frame(image), data=place)])
                    assert same_bytes(got, expected[index]), (turn, index)
                    place[:] = 0
        gpu.unregister(ring.ctypes.data)
        del ring, place


def test_pipelines_of_one_camera_share_its_upload(opened: OpenedEngine, images: list[NDArray[np.uint8]]) -> None:
    strict = Thresholds(score=0.7)
    with make(opened) as alone, make(opened, thresholds=strict) as alone_strict:
        expected = [(alone.process([bgr_frame(im)]), alone_strict.process([bgr_frame(im)])) for im in images]
    upload = CameraUpload(opened.engine.gpu)
    with make(opened, uploads=[upload]) as one, make(opened, uploads=[upload], thresholds=strict) as other:
        for turn in range(20):
            for index, image in enumerate(images):
                frame = bgr_frame(image)
                tickets = [one.start([frame]), other.start([frame])]
                assert same_bytes(tickets[0].result(), expected[index][0]), (turn, index)
                assert same_bytes(tickets[1].result(), expected[index][1]), (turn, index)
    upload.close()


def test_two_frames_under_way_keep_apart(opened: OpenedEngine, images: list[NDArray[np.uint8]]) -> None:
    with make(opened) as pipeline:
        expected = [pipeline.process([bgr_frame(image)]) for image in images]
        waiting = []
        for turn in range(50):
            index = turn % len(images)
            waiting.append((index, pipeline.start([bgr_frame(images[index])])))
            if len(waiting) == 2:
                first, ticket = waiting.pop(0)
                assert same_bytes(ticket.result(), expected[first]), turn


def test_cameras_beside_each_other_find_what_each_finds_alone(
    opened: OpenedEngine, images: list[NDArray[np.uint8]]
) -> None:
    with make(opened) as pipeline:
        expected = [pipeline.process([bgr_frame(image)]) for image in images]

    def drive(camera: int) -> int:
        with make(opened, priority=-camera) as pipeline:
            wrong = 0
            for turn in range(60):
                index = (turn + camera) % len(images)
                wrong += not same_bytes(pipeline.process([bgr_frame(images[index])]), expected[index])
            return wrong

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(drive, range(4))) == [0, 0, 0, 0]


def test_layouts_in_turn_with_two_frames_under_way(
    opened: OpenedEngine, reference: Pipeline, images: list[NDArray[np.uint8]]
) -> None:
    frames = list(layouts(images).values())
    expected = [reference.process([frame]) for frame in frames]
    with make(opened) as pipeline:
        tickets = []
        for _ in range(2):
            for index, frame in enumerate(frames):
                tickets.append((index, pipeline.start([frame])))
                if index % 4 == 3:
                    pipeline.catch_up()
        for index, ticket in tickets:
            assert_like(ticket.result(), expected[index])


def test_thresholds_hold_from_the_next_frame_on(
    opened: OpenedEngine, reference: Pipeline, images: list[NDArray[np.uint8]]
) -> None:
    limits = [Thresholds(score=score, nms_iou=iou) for score in (0.1, 0.5, 0.8) for iou in (0.2, 0.7)]
    with make(opened) as pipeline:
        tickets = []
        for thresholds in limits:
            pipeline.thresholds = thresholds
            tickets.append(pipeline.start([bgr_frame(images[0])]))
        for thresholds, ticket in zip(limits, tickets, strict=True):
            reference.thresholds = thresholds
            assert_like(ticket.result(), reference.process([bgr_frame(images[0])]))
    reference.thresholds = Thresholds()


def test_two_inputs(pair: OpenedEngine, images: list[NDArray[np.uint8]]) -> None:
    infrared = [
        make_frame(np.ascontiguousarray(image[:, :, 1]), Encoding.MONO8, width=image.shape[1], height=image.shape[0])
        for image in images
    ]
    frames = [(bgr_frame(image), other) for image, other in zip(images, infrared, strict=True)]
    with Pipeline(spec_of(pair), TensorRtBackend(spec_of(pair), engine=path_of(pair))) as reference:
        expected = [reference.process(both) for both in frames]
    for mapped in (False, True):
        with make(pair, mapped=mapped) as pipeline:
            for both, wanted in zip(frames, expected, strict=True):
                for _ in range(2):
                    assert_like(pipeline.process(both), wanted)


def test_streams_have_their_priority(opened: OpenedEngine) -> None:
    gpu = opened.engine.gpu
    front, back = gpu.stream_priority(5), gpu.stream_priority(0)
    assert front < back
    with make(opened, priority=front) as one, make(opened, priority=back) as other:
        assert (one.stream.priority, other.stream.priority) == (front, back)  # type: ignore[attr-defined]
        assert one.stream.is_nonblocking  # type: ignore[attr-defined]


def test_traced_stages_come_in_their_order_and_last(opened: OpenedEngine, images: list[NDArray[np.uint8]]) -> None:
    with make(opened, trace=True) as pipeline:
        for image in images:
            begun = monotonic_ns()
            result = pipeline.process([bgr_frame(image)])
            stamps = result.stamps
            assert stamps is not None
            order = [stamps.uploaded_ns, stamps.preprocessed_ns, stamps.inferred_ns, stamps.decoded_ns]
            assert order == sorted(order)
            assert begun < order[0] < order[-1] < monotonic_ns()
            assert order[2] - order[1] > 20_000  # no network takes less


def test_out_of_memory_says_what_was_needed_and_the_next_attempt_may_do(opened: OpenedEngine) -> None:
    gpu = opened.engine.gpu
    make_and_close(opened)
    hoard = gpu.allocate(gpu.free_bytes() - 4 * 2**20)
    try:
        with pytest.raises(DeviceError, match=r"takes at least .* MiB \(weights .* were free") as caught:
            make(opened).open()
        assert not caught.value.is_sticky
    finally:
        gpu.free(hoard)
    make_and_close(opened)


def test_the_engine_stays_usable_by_others(
    opened: OpenedEngine, reference: Pipeline, images: list[NDArray[np.uint8]]
) -> None:
    """The same engine serves pipelines that come and go."""
    assert isinstance(opened.engine, TensorRtEngine)
    expected = reference.process([bgr_frame(images[3])])
    for _ in range(3):
        with make(opened) as pipeline:
            assert_like(pipeline.process([bgr_frame(images[3])]), expected)
