"""A pipeline carries frames through all stages, the same bytes each time, from any number of threads."""

import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import TracebackType
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.frames import bgr_frame, encoded_frame, noise_image, scene_image
from helpers.model_specs import head_spec, input_spec, model_spec, tiny_yolox_spec
from numpy.typing import NDArray

from trt_perception.detections import Detections
from trt_perception.errors import ConfigError, DropReason, FrameError, InputError, ModelError
from trt_perception.frame import Frame
from trt_perception.model.model_spec import HeadKind, ModelSpec, OutputSpec
from trt_perception.model.preprocess_options import ChannelOrder, Resize
from trt_perception.result import Result
from trt_perception.runtime.backend import Tensors
from trt_perception.runtime.null_backend import NullBackend
from trt_perception.runtime.onnxruntime_backend import OnnxRuntimeBackend
from trt_perception.runtime.pipeline import Pipeline
from trt_perception.segmentation_mask import SegmentationMask
from trt_perception.thresholds import Thresholds

LOW = Thresholds(score=0.05, nms_iou=0.6)


class FakeBackend:
    """Gives the outputs that a function makes of the inputs, and records what happens."""

    name = "fake"

    def __init__(self, handler: Any) -> None:
        self.handler = handler
        self.events: list[str] = []

    def open(self) -> None:
        self.events.append("open")

    def infer(self, inputs: Tensors) -> Tensors:
        outputs: Tensors = self.handler(inputs)
        return outputs

    def close(self) -> None:
        self.events.append("close")

    def __enter__(self) -> "FakeBackend":
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@pytest.fixture(scope="module")
def yolox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    pytest.importorskip("onnxruntime", reason="needs ONNX Runtime")
    from helpers.tiny_onnx import make_yolox_onnx

    path = make_yolox_onnx(tmp_path_factory.mktemp("model") / "yolox.onnx", size=64, classes=3)
    spec = tiny_yolox_spec(str(path))
    with Pipeline(spec, OnnxRuntimeBackend(spec, threads=2), thresholds=LOW) as pipeline:
        yield pipeline


def two_heads() -> ModelSpec:
    """A detection head with class_0 and class_1 and a mask head with class_0 to class_2."""
    spec = model_spec(HeadKind.YOLOV8, (1, 6, 10), labels=2)
    return replace(
        spec,
        outputs=(*spec.outputs, OutputSpec(name="mask", shape=(1, 3, 8, 8))),
        heads=(
            head_spec(HeadKind.SEMANTIC_LOGITS, 3, name="area", output="mask"),
            head_spec(HeadKind.YOLOV8, 2, name="objects"),
        ),
    )


def two_head_outputs(score: float = 0.75) -> Mapping[str, NDArray[Any]]:
    objects = np.zeros((1, 6, 10), np.float32)
    objects[0, :4, 0] = 32, 32, 16, 16
    objects[0, 5, 0] = score
    mask = np.zeros((1, 3, 8, 8), np.float32)
    mask[0, 2] = 1
    return {"output": objects, "mask": mask}


def as_bytes(result: Result) -> bytes:
    """Everything that the heads found, to the byte."""
    parts = []
    for found in result.heads.values():
        arrays = (
            [found.class_ids] if isinstance(found, SegmentationMask) else [found.boxes, found.scores, found.class_ids]
        )
        parts += [array.tobytes() for array in arrays]
    return b"|".join(parts)


def detections(result: Result, head: str = "head") -> Detections:
    found = result.heads[head]
    assert isinstance(found, Detections)
    return found


def test_every_head_has_its_result_in_the_models_order() -> None:
    pipeline = Pipeline(two_heads(), FakeBackend(lambda _: two_head_outputs()))
    result = pipeline.process([bgr_frame(noise_image(128, 128))])
    assert list(result.heads) == ["area", "objects"]
    assert detections(result, "objects").boxes.tolist() == [[48, 48, 80, 80]]
    area = result.heads["area"]
    assert isinstance(area, SegmentationMask)
    assert np.array_equal(area.class_ids, np.full((128, 128), 2))


def test_the_same_frame_gives_the_same_bytes(yolox: Pipeline) -> None:
    frame = bgr_frame(scene_image(90, 160), padding=5)
    first = yolox.process([frame])
    assert len(detections(first)) > 3
    assert all(as_bytes(yolox.process([frame])) == as_bytes(first) for _ in range(5))


def test_threads_do_not_disturb_each_other(yolox: Pipeline) -> None:
    frames = [bgr_frame(scene_image(60 + 7 * seed, 160 - 9 * seed, seed=seed)) for seed in range(6)]
    alone = [as_bytes(yolox.process([frame])) for frame in frames]
    assert len(set(alone)) == len(frames)
    order = [index for _ in range(12) for index in range(len(frames))]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(6) as pool:
            together = list(pool.map(lambda index: as_bytes(yolox.process([frames[index]])), order))
    finally:
        sys.setswitchinterval(interval)
    assert together == [alone[index] for index in order]


def test_a_compressed_frame_gives_what_its_pixels_give(yolox: Pipeline) -> None:
    image = scene_image(90, 160)
    png = cv2.imencode(".png", image)[1].tobytes()
    compressed = yolox.process([encoded_frame(png, format_name="png")])
    assert as_bytes(compressed) == as_bytes(yolox.process([bgr_frame(image)]))
    assert compressed.times.decode_ns > 0


def test_times_of_all_stages_are_given(yolox: Pipeline) -> None:
    times = yolox.process([bgr_frame(scene_image(90, 160))]).times
    assert times.decode_ns == 0
    assert min(times.preprocess_ns, times.inference_ns, times.postprocess_ns) > 0


def test_thresholds_change_while_it_runs() -> None:
    pipeline = Pipeline(two_heads(), FakeBackend(lambda _: two_head_outputs(0.75)))
    frame = bgr_frame(noise_image(64, 64))
    counts = []
    for limits in (
        Thresholds(score=0.7),
        Thresholds(score=0.8),
        Thresholds(score=0.7, per_class={"class_1": 0.8}),
        Thresholds(score=0.9, per_class={"class_1": 0.5, "class_0": 1.0}),
    ):
        pipeline.thresholds = limits
        assert pipeline.thresholds is limits
        counts.append(len(detections(pipeline.process([frame]), "objects")))
    assert counts == [1, 0, 0, 1]


def test_a_frame_is_judged_by_one_set_of_thresholds() -> None:
    """Old and new limits each let one of two objects through; mixed, they would let none or both."""
    spec = model_spec(HeadKind.YOLOV8, (1, 6, 10), labels=2)
    output = np.zeros((1, 6, 10), np.float32)
    output[0, :4, :2] = [[20, 40], [20, 40], [8, 8], [8, 8]]
    output[0, 4, 0] = output[0, 5, 1] = 0.5
    pipeline = Pipeline(spec, FakeBackend(lambda _: {"output": output}))
    either = [Thresholds(per_class={"class_0": 0.9}), Thresholds(per_class={"class_1": 0.9})]
    pipeline.thresholds = either[0]
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            for limits in either:
                pipeline.thresholds = limits

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        frame = bgr_frame(noise_image(64, 64))
        found = [detections(pipeline.process([frame])).class_ids.tolist() for _ in range(300)]
    finally:
        stop.set()
        thread.join()
    assert all(classes in ([0], [1]) for classes in found)


@pytest.mark.parametrize("label", ["person", "class_2"], ids=["unknown", "of_the_mask_head"])
def test_thresholds_of_a_label_that_no_detection_head_has_are_refused(label: str) -> None:
    pipeline = Pipeline(two_heads(), FakeBackend(lambda _: two_head_outputs()))
    before = pipeline.thresholds
    with pytest.raises(ConfigError, match=f"per_class.{label}.*class_0, class_1"):
        pipeline.thresholds = Thresholds(per_class={label: 0.5})
    assert pipeline.thresholds is before
    with pytest.raises(ConfigError, match=label):
        Pipeline(two_heads(), FakeBackend(None), thresholds=Thresholds(per_class={label: 0.5}))


def test_thresholds_of_a_label_reach_only_the_head_that_has_it() -> None:
    spec = replace(
        model_spec(HeadKind.YOLOV8, (1, 6, 10), labels=2),
        heads=(
            head_spec(HeadKind.YOLOV8, ("car", "truck"), name="vehicles"),
            head_spec(HeadKind.YOLOV8, ("person", "car"), name="others"),
        ),
    )
    limits = Thresholds(per_class={"truck": 0.9, "car": 0.6})
    pipeline = Pipeline(spec, FakeBackend(lambda _: two_head_outputs(0.75)), thresholds=limits)
    result = pipeline.process([bgr_frame(noise_image(64, 64))])
    assert len(detections(result, "vehicles")) == 0
    assert len(detections(result, "others")) == 1


def test_several_sources_fill_the_inputs_in_order_and_boxes_are_the_first_ones() -> None:
    spec = replace(
        model_spec(HeadKind.YOLOV8, (1, 6, 10), labels=2),
        inputs=(input_spec(64, 64, name="rgb"), input_spec(32, 16, name="ir", channel_order=ChannelOrder.MONO)),
    )
    seen: dict[str, Any] = {}

    def handler(inputs: Tensors) -> Tensors:
        seen.update(inputs)
        return two_head_outputs()

    rgb, infrared = bgr_frame(noise_image(640, 640)), bgr_frame(noise_image(16, 32))
    result = Pipeline(spec, FakeBackend(handler)).process([rgb, infrared])
    assert {name: tensor.shape for name, tensor in seen.items()} == {"rgb": (1, 3, 64, 64), "ir": (1, 1, 16, 32)}
    assert detections(result).boxes.tolist() == [[240, 240, 400, 400]]


@pytest.mark.parametrize("count", [0, 2])
def test_another_number_of_frames_is_refused(count: int) -> None:
    with pytest.raises(InputError, match=rf"1 inputs \(images\), got {count} frames"):
        Pipeline(two_heads(), FakeBackend(None)).process([bgr_frame(noise_image(8, 8))] * count)


def test_a_bad_frame_fails_and_the_next_one_works(yolox: Pipeline) -> None:
    with pytest.raises(FrameError) as caught:
        yolox.process([encoded_frame(b"\xff\xd8\xff\xe0")])
    assert caught.value.reason is DropReason.CORRUPT_IMAGE
    assert len(detections(yolox.process([bgr_frame(scene_image(90, 160))]))) > 0


def test_a_head_that_does_not_fit_is_refused_when_the_pipeline_is_made() -> None:
    with pytest.raises(ModelError, match="head"):
        Pipeline(model_spec(HeadKind.YOLOV8, (1, 99, 10)), FakeBackend(None))


def test_the_backend_is_opened_and_closed_with_the_pipeline() -> None:
    backend = FakeBackend(lambda _: two_head_outputs())
    with Pipeline(two_heads(), backend) as pipeline:
        assert pipeline.backend is backend
        assert backend.events == ["open"]
    assert backend.events == ["open", "close"]


class TestWithNullBackend:
    """Nothing is decoded or preprocessed, and every head finds nothing."""

    def pipeline(self, spec: ModelSpec, score: float = 0.3) -> Pipeline:
        return Pipeline(spec, NullBackend(spec), thresholds=Thresholds(score=score))

    @pytest.mark.parametrize("score", [0.0, 0.3])
    def test_finds_nothing(self, score: float) -> None:
        result = self.pipeline(two_heads(), score).process([bgr_frame(noise_image(90, 160))])
        assert len(detections(result, "objects")) == 0
        assert (result.times.decode_ns, result.times.preprocess_ns) == (0, 0)

    def test_reads_no_pixels(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("cv2.imdecode", lambda *_: pytest.fail("the image was decoded"))
        monkeypatch.setattr("cv2.resize", lambda *_, **__: pytest.fail("the image was resized"))
        jpeg = cv2.imencode(".jpg", noise_image(90, 160))[1].tobytes()
        pipeline = self.pipeline(model_spec(HeadKind.SEMANTIC_LOGITS, (1, 3, 8, 8), resize=Resize.STRETCH))
        for frame in (encoded_frame(jpeg), bgr_frame(noise_image(90, 160))):
            mask = pipeline.process([frame]).heads["head"]
            assert isinstance(mask, SegmentationMask)
            assert mask.class_ids.shape == (90, 160)

    def test_outputs_cannot_be_changed(self) -> None:
        outputs = NullBackend(two_heads()).infer({})
        with pytest.raises(ValueError, match="read-only"):
            outputs["mask"][0] = 1


def test_a_frame_is_not_changed(yolox: Pipeline) -> None:
    frame: Frame = bgr_frame(scene_image(90, 160))
    before = frame.data.copy()
    yolox.process([frame])
    assert np.array_equal(frame.data, before)
