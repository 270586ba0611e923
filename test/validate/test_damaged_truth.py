"""Damaged truth: a clear error, or frames that are not evaluated and said so; never a wrong number."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.damaged_run import COUNT, images, messages, run
from helpers.tiny_bag import START_NS
from helpers.validation_bag import SCORE, TinyPipeline, scene_messages, write_scene_bag

from trt_perception import InputError
from trt_perception.validate.validate_run import validate_run
from trt_perception.validate.validation_metrics import ValidationMetrics
from trt_perception.validate.validation_options import ValidationOptions

pytest.importorskip("onnxruntime", reason="needs ONNX Runtime")
pytest.importorskip("pycocotools", reason="needs pycocotools")


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> TinyPipeline:
    return TinyPipeline(tmp_path_factory.mktemp("model"))


def test_true_images_without_frames_are_counted(tmp_path: Path, pipeline: TinyPipeline) -> None:
    found = messages()
    lost = images(found)[1:3]
    metrics = run(tmp_path, [message for index, message in enumerate(found) if index not in lost], pipeline)
    (camera,) = metrics.ledger.cameras
    assert (camera.frames, camera.with_truth, camera.truth_without_frame) == (COUNT - 2, COUNT - 2, 2)
    assert any("2 true images have no frame" in warning for warning in metrics.warnings)


def test_frames_without_truth_are_not_evaluated_and_said_so(tmp_path: Path, pipeline: TinyPipeline) -> None:
    found = [
        message
        for index, message in enumerate(messages(masks=False))
        if not (message.topic.endswith("detections") and index < 8)
    ]
    metrics = run(tmp_path, found, pipeline)
    everything = metrics.detection["detection"].all
    assert everything.frames == COUNT
    assert 0 < everything.images < COUNT
    assert any("have no truth and are not evaluated" in warning for warning in metrics.warnings)


def test_damaged_truth_is_no_truth(tmp_path: Path, pipeline: TinyPipeline) -> None:
    found = [
        replace(message, data=bytes(message.data)[:-3])
        if message.topic == "/front/ground_truth/detections"
        else message
        for message in messages(masks=False)
    ]
    everything = run(tmp_path, found, pipeline).detection["detection"].all
    assert (everything.frames, everything.images, everything.map50) == (COUNT, 0, None)


def test_true_classes_that_the_model_does_not_have_are_named(tmp_path: Path, pipeline: TinyPipeline) -> None:
    found = [
        replace(message, data=bytes(message.data).replace(b"class_1", b"tractor"))
        if message.topic == "/front/ground_truth/detections"
        else message
        for message in messages(masks=False)
    ]
    metrics = run(tmp_path, found, pipeline)
    assert any("tractor (" in warning for warning in metrics.warnings)
    assert metrics.detection["detection"].by_camera["front"].by_class["class_1"].objects == 0


def test_true_masks_without_names_of_their_ids_are_not_guessed(tmp_path: Path, pipeline: TinyPipeline) -> None:
    found = [message for message in messages() if not message.topic.endswith("label_info")]
    assert run(tmp_path, found, pipeline).masks["segmentation"].all.miou is None


COCO: dict[str, Any] = {
    "categories": [{"id": 1, "name": "class_0"}],
    "images": [{"id": 1, "file_name": "a.png", "width": 64, "height": 48, "camera": "front", "stamp_ns": START_NS}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 10, 10], "area": 100, "iscrowd": 0}],
}


def with_coco(folder: Path, pipeline: TinyPipeline, content: object) -> ValidationMetrics:
    path = folder / "truth.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    bag = write_scene_bag(folder / "bag", iter(messages()))
    options = ValidationOptions(score=SCORE, truth=path, own_truth=False)
    return validate_run([bag], pipeline, folder / "out", options=options)


def test_truth_from_a_coco_file_is_found_by_camera_and_stamp(tmp_path: Path, pipeline: TinyPipeline) -> None:
    extra = {**COCO["images"][0], "id": 2, "stamp_ns": START_NS + 5}
    metrics = with_coco(tmp_path, pipeline, {**COCO, "images": [*COCO["images"], extra]})
    (camera,) = metrics.ledger.cameras
    assert (metrics.truth, camera.with_truth, camera.truth_without_frame) == ("coco", 1, 1)
    assert metrics.detection["detection"].all.objects == 1
    assert any("5 of 6 processed frames have no truth" in warning for warning in metrics.warnings)


BAD_TRUTH = [
    ("no json", "this is no JSON", "no_json"),
    ({**COCO, "images": [{**COCO["images"][0], "stamp_ns": 7}]}, "the truth fits none of 6 frames", "other_stamps"),
    ({**COCO, "images": [{**COCO["images"][0], "camera": "rear"}]}, "the truth fits none of 6", "other_cameras"),
    (
        {**COCO, "images": [{key: value for key, value in COCO["images"][0].items() if key != "stamp_ns"}]},
        "expected `camera` and `stamp_ns`",
        "no_stamps",
    ),
    ({**COCO, "images": [COCO["images"][0], {**COCO["images"][0], "id": 2}]}, "two images of stamp", "twice"),
    ({**COCO, "annotations": [{"image_id": 9}]}, "which is not listed", "object_of_no_image"),
]


@pytest.mark.parametrize(
    ("content", "named"), [pytest.param(content, named, id=name) for content, named, name in BAD_TRUTH]
)
def test_truth_that_cannot_be_used_is_an_error(
    tmp_path: Path, pipeline: TinyPipeline, content: object, named: str
) -> None:
    with pytest.raises(InputError, match=named):
        with_coco(tmp_path, pipeline, content)
    assert not (tmp_path / "out" / "metrics.json").exists()


def test_truth_from_a_second_bag_is_that_of_the_first(tmp_path: Path, pipeline: TinyPipeline) -> None:
    own = run(tmp_path, messages(), pipeline)
    bare = write_scene_bag(tmp_path / "bare", scene_messages(("front",), count=COUNT, truth=False))
    options = ValidationOptions(score=SCORE, truth=tmp_path / "bag", own_truth=False)
    other = validate_run([bare], pipeline, tmp_path / "other", options=options)
    assert (other.truth, other.detection, other.masks) == ("bag", own.detection, own.masks)


def test_the_detections_of_an_earlier_run_can_be_the_truth(tmp_path: Path, pipeline: TinyPipeline) -> None:
    run(tmp_path, messages(truth=False), pipeline)
    options = ValidationOptions(score=SCORE, truth=tmp_path / "out" / "detections", own_truth=False)
    metrics = validate_run([tmp_path / "bag"], pipeline, tmp_path / "again", options=options)
    everything = metrics.detection["detection"].all
    assert everything.objects > 0
    assert (everything.missed, everything.false_alarms, everything.map50) == (0, 0, pytest.approx(1.0))


def test_a_bag_without_truth_is_no_truth(tmp_path: Path, pipeline: TinyPipeline) -> None:
    bag = write_scene_bag(tmp_path / "bag", iter(messages(truth=False)))
    options = ValidationOptions(score=SCORE, truth=bag, own_truth=False)
    with pytest.raises(InputError, match="expected truth"):
        validate_run([bag], pipeline, tmp_path / "out", options=options)
