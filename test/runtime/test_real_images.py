"""YOLOX-nano on six real camera images: the published scores, and the boxes of an independent decoding."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.model_specs import model_spec
from numpy.typing import NDArray

from trt_perception.detections import Detections
from trt_perception.model.model_spec import HeadKind, ModelSpec
from trt_perception.model.preprocess_options import ChannelOrder, Resize
from trt_perception.preprocess.encoded_file import read_encoded
from trt_perception.runtime.onnxruntime_backend import OnnxRuntimeBackend
from trt_perception.runtime.pipeline import Pipeline
from trt_perception.thresholds import Thresholds

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
MODEL = SHARED / "models" / "yolox_nano_coco.onnx"
IMAGES = SHARED / "data" / "nuscenes6"
CAMERAS = ["CAM_FRONT", "CAM_FRONT_LEFT", "CAM_FRONT_RIGHT", "CAM_BACK", "CAM_BACK_LEFT", "CAM_BACK_RIGHT"]
SIZE = 416
CAR, TRUCK = 2, 7
SCORE, OVERLAP = 0.3, 0.45

pytest.importorskip("onnxruntime", reason="needs ONNX Runtime")
pytestmark = pytest.mark.skipif(
    not (MODEL.is_file() and IMAGES.is_dir()), reason=f"needs {MODEL.name} and nuscenes6 in ../shared"
)


def yolox_nano() -> ModelSpec:
    labels = tuple(f"coco_{index}" for index in range(80))
    return model_spec(
        HeadKind.YOLOX,
        (1, 3549, 85),
        labels=labels,
        width=SIZE,
        height=SIZE,
        model=str(MODEL),
        resize=Resize.LETTERBOX_TOP_LEFT,
        channel_order=ChannelOrder.BGR,
        scale=1.0,
    )


@pytest.fixture(scope="module")
def pipeline() -> Iterator[Pipeline]:
    spec = yolox_nano()
    limits = Thresholds(score=SCORE, nms_iou=OVERLAP)
    with Pipeline(spec, OnnxRuntimeBackend(spec), thresholds=limits) as opened:
        yield opened


@pytest.fixture(scope="module")
def session() -> Any:
    import onnxruntime

    return onnxruntime.InferenceSession(str(MODEL), providers=["CPUExecutionProvider"])


def detect(pipeline: Pipeline, camera: str) -> Detections:
    found = pipeline.process([read_encoded(IMAGES / f"{camera}.jpg", camera=camera)]).heads["head"]
    assert isinstance(found, Detections)
    return found


def test_the_front_camera_sees_a_truck_and_three_cars(pipeline: Pipeline) -> None:
    found = detect(pipeline, "CAM_FRONT")
    assert found.class_ids.tolist() == [TRUCK, CAR, CAR, CAR]
    assert np.abs(found.scores - [0.75, 0.52, 0.47, 0.43]).max() <= 0.01


@pytest.mark.parametrize("camera", CAMERAS)
def test_objects_are_those_of_an_independent_decoding(pipeline: Pipeline, session: Any, camera: str) -> None:
    found = detect(pipeline, camera)
    expected = reference(session, IMAGES / f"{camera}.jpg")
    assert found.class_ids.tolist() == [class_id for _, _, class_id in expected]
    assert np.allclose(found.scores, [score for _, score, _ in expected], atol=1e-3)
    assert all(iou(box, other) >= 0.99 for box, (other, _, _) in zip(found.boxes, expected, strict=True))


def reference(session: Any, path: Path) -> list[tuple[NDArray[np.float64], float, int]]:
    """Box, score, class: YOLOX's own recipe (resize by one ratio, pad with 114, divide boxes by the ratio)."""
    image = np.asarray(cv2.imread(str(path)))
    ratio = min(SIZE / image.shape[0], SIZE / image.shape[1])
    resized = cv2.resize(image, (int(image.shape[1] * ratio), int(image.shape[0] * ratio)))
    padded = np.full((SIZE, SIZE, 3), 114, np.uint8)
    padded[: resized.shape[0], : resized.shape[1]] = resized
    rows = session.run(None, {"images": padded.transpose(2, 0, 1)[None].astype(np.float32)})[0][0].astype(np.float64)
    cells = [(x, y, s) for s in (8, 16, 32) for y in range(SIZE // s) for x in range(SIZE // s)]
    candidates = []
    for row, (x, y, stride) in zip(rows, cells, strict=True):
        class_id = int(row[5:].argmax())
        score = float(row[4] * row[5 + class_id])
        if score >= SCORE:
            centre, half = np.add(row[:2], (x, y)) * stride, np.exp(row[2:4]) * stride / 2
            candidates.append((np.concatenate((centre - half, centre + half)) / ratio, score, class_id))
    candidates.sort(key=lambda candidate: -candidate[1])
    kept: list[tuple[NDArray[np.float64], float, int]] = []
    for one in candidates:
        if all(one[2] != other[2] or iou(one[0], other[0]) <= OVERLAP for other in kept):
            kept.append(one)
    height, width = image.shape[:2]
    return [(box.clip(0, (width, height, width, height)), score, class_id) for box, score, class_id in kept]


def iou(a: NDArray[Any], b: NDArray[Any]) -> float:
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    common = float(np.prod(sides.clip(0)))
    return common / (float(np.prod(a[2:] - a[:2])) + float(np.prod(b[2:] - b[:2])) - common)
