"""The demo model of two inputs on a demo drive: figures are those of ONNX Runtime and pycocotools alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.paired_bag import nearest_pairs
from numpy.typing import NDArray

from trt_perception.bag.bag_reader import BagReader
from trt_perception.bag.coco_file import read_coco
from trt_perception.cdr import parse_compressed_image
from trt_perception.demo.drive import Drive
from trt_perception.demo.drive_bag import write_drive_bag
from trt_perception.demo.drive_bag_options import DriveBagOptions
from trt_perception.demo.drive_options import DriveOptions
from trt_perception.model.load_spec import load_spec
from trt_perception.runtime.onnxruntime_backend import OnnxRuntimeBackend
from trt_perception.runtime.pipeline import Pipeline
from trt_perception.validate.run_folder import RunFolder
from trt_perception.validate.validate_run import validate_run
from trt_perception.validate.validation_options import ValidationOptions

pytest.importorskip("onnx", reason="the model is read with onnx")
onnxruntime = pytest.importorskip("onnxruntime", reason="the reference")
pytest.importorskip("pycocotools", reason="the reference")

MODEL = Path(__file__).parents[2] / "trt_perception" / "demo" / "model" / "demo_model_rgb_ir.onnx"
TOLERANCE_NS = 5_000_000
CAMERAS = ("front", "front_thermal")


def make_pipeline() -> Pipeline:
    spec = load_spec(MODEL)
    return Pipeline(spec, OnnxRuntimeBackend(spec))


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("drive") / "night"
    options = DriveBagOptions(thermal=True, stamp_jitter_ms=4, drop_fraction=0.15, images="png")
    write_drive_bag(
        Drive(options=DriveOptions(cameras=1, duration_s=3, rate_hz=4, condition="night")), path, options=options
    )
    return path


@pytest.fixture(scope="module")
def finished(drive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "out"
    validate_run([drive], make_pipeline, out, options=ValidationOptions(coco=True))
    return out


def images_of(bag: Path) -> dict[str, dict[int, NDArray[np.uint8]]]:
    """Images by stamp of each camera, read with OpenCV."""
    found: dict[str, dict[int, NDArray[np.uint8]]] = {}
    for camera in CAMERAS:
        messages = BagReader(bag).messages([f"/{camera}/image_raw/compressed"])
        parsed = [parse_compressed_image(message.data, camera) for message in messages]
        found[camera] = {
            frame.stamp_ns: np.asarray(cv2.imdecode(np.asarray(frame.data), cv2.IMREAD_UNCHANGED)) for frame in parsed
        }
    return found


def boxes_of(rows: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float64]:
    """Class, score and x1 y1 x2 y2 of the raw YOLOX rows of a network of that height and width, best first, no NMS."""
    height, width = size
    grid, strides = [], []
    for stride in (8, 16, 32):
        ys, xs = np.mgrid[: height // stride, : width // stride]
        grid.append(np.stack([xs.ravel(), ys.ravel()], axis=1))
        strides.append(np.full((xs.size, 1), stride))
    cells, step = np.concatenate(grid), np.concatenate(strides)
    centre = (rows[:, :2] + cells) * step
    half = np.exp(rows[:, 2:4]) * step / 2
    scores = rows[:, 4:5] * rows[:, 5:]
    best = scores.argmax(axis=1)
    table = np.hstack([best[:, None], scores.max(axis=1)[:, None], centre - half, centre + half])
    return table[np.argsort(-table[:, 1], kind="stable")].astype(np.float64)


def test_pairs_are_the_nearest_stamps(drive: Path, finished: Path) -> None:
    images = images_of(drive)
    expected = nearest_pairs(list(images["front"]), list(images["front_thermal"]), TOLERANCE_NS)
    records = list(RunFolder(finished).frames())
    assert {r.stamp_ns: r.partners[0].stamp_ns for r in records if r.partners} == expected
    ledger = RunFolder(finished).metrics().ledger
    assert {camera.camera: (camera.frames, camera.processed) for camera in ledger.cameras} == {
        camera: (len(images[camera]), len(expected)) for camera in CAMERAS
    }
    assert 3 < len(expected) < len(images["front"])


def test_the_best_boxes_are_those_of_onnx_runtime_alone(drive: Path, finished: Path) -> None:
    images, session = images_of(drive), onnxruntime.InferenceSession(str(MODEL), providers=["CPUExecutionProvider"])
    compared = 0
    for record in RunFolder(finished).frames():
        if record.skipped is not None:
            continue
        colour = images["front"][record.stamp_ns or 0]
        warm = images["front_thermal"][record.partners[0].stamp_ns]
        tensors: dict[str, Any] = {
            # The drive's pictures have the network's size: nothing is resized.
            "images": (colour[:, :, ::-1].transpose(2, 0, 1)[None] / 255).astype(np.float32),
            "thermal": (warm[None, None] / 255).astype(np.float32),
        }
        (output,) = session.run(["detections"], tensors)
        expected = boxes_of(output[0], colour.shape[:2])
        found = record.detections["detection"]
        for class_id in {int(c) for c in found.class_ids}:
            # The best of a class survives every NMS.
            row = expected[expected[:, 0] == class_id][0]
            index = int(np.flatnonzero(found.class_ids == class_id)[0])
            assert found.scores[index] == pytest.approx(row[1], abs=1e-5)
            limits = np.array([colour.shape[1], colour.shape[0]] * 2)
            assert found.boxes[index] == pytest.approx(np.clip(row[2:], 0, limits), abs=1e-2)
            compared += 1
    assert compared > 5


def test_average_precision_is_that_of_pycocotools(finished: Path) -> None:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth = COCO(str(finished / "coco_truth.json"))
    evaluation = COCOeval(truth, truth.loadRes(str(finished / "coco_detections.json")), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    precision = evaluation.eval["precision"][:, :, :, 0, -1]
    metrics = RunFolder(finished).metrics().detection["detection"].all
    assert metrics.map50_95 == pytest.approx(precision[precision > -1].mean(), abs=1e-6)
    at50 = precision[0]
    assert metrics.map50 == pytest.approx(at50[at50 > -1].mean(), abs=1e-6)
    assert len(truth.imgs) == metrics.images == sum(r.skipped is None for r in RunFolder(finished).frames())
    assert {image.camera for image in read_coco(finished / "coco_truth.json").images} == {"front"}
    assert metrics.map50 is not None
    assert metrics.map50 > 0.3
