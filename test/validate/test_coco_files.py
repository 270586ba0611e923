"""Average precision of a run equals that of an independent script on its exported COCO files."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.validation_bag import TinyPipeline, frame_of, likely_objects, scene_messages, write_scene_bag

from trt_perception.bag.coco_file import CocoFile, read_coco
from trt_perception.bag.true_objects import TrueObjects
from trt_perception.detections import Detections
from trt_perception.validate.run_folder import RunFolder
from trt_perception.validate.segment_pool import validation_pipeline
from trt_perception.validate.validate_run import validate_run
from trt_perception.validate.validation_metrics import DetectionGroup
from trt_perception.validate.validation_options import ValidationOptions

pytest.importorskip("onnxruntime", reason="needs ONNX Runtime")
pytest.importorskip("pycocotools", reason="needs pycocotools")

COUNT = 40
OPTIONS = ValidationOptions(score=0.11, floor=0.09, coco=True)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two cameras and two conditions, with empty frames and ignored objects."""
    folder = tmp_path_factory.mktemp("coco")
    make = TinyPipeline(folder)
    with validation_pipeline(make, OPTIONS) as pipeline:

        def objects(key: int) -> TrueObjects:
            found = pipeline.process([frame_of(key)]).heads["detection"]
            assert isinstance(found, Detections)
            return likely_objects(found, key)

        bag = write_scene_bag(folder / "scene", scene_messages(count=COUNT, masks=False, objects=objects))
    validate_run([bag], make, folder / "out", options=OPTIONS)
    return folder / "out"


@pytest.fixture(scope="module")
def images(out: Path) -> CocoFile:
    return read_coco(out / "coco_truth.json")


def independent(out: Path, image_ids: list[int], class_ids: list[int]) -> tuple[float, float, float, float, float]:
    """What anyone would write: load both files, evaluate, read the summary's figures."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(out / "coco_truth.json"))
        evaluation = COCOeval(truth, truth.loadRes(str(out / "coco_detections.json")), "bbox")
        evaluation.params.imgIds = image_ids
        evaluation.params.catIds = class_ids
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    stats: list[Any] = evaluation.stats.tolist()
    return stats[0], stats[1], stats[3], stats[4], stats[5]


def check(group: DetectionGroup, expected: tuple[float, ...]) -> None:
    measured = (group.map50_95, group.map50, *(group.by_size[size].map50_95 for size in ("small", "medium", "large")))
    for ours, theirs in zip(measured, expected, strict=True):
        assert (-1.0 if ours is None else ours) == pytest.approx(theirs, abs=1e-6)


def test_the_case_has_what_makes_it_hard(images: CocoFile) -> None:
    assert sum(not len(image.objects) for image in images.images) >= 10
    assert sum(int(image.objects.ignored.sum()) for image in images.images) >= 10
    assert {image.camera for image in images.images} == {"front", "left"}
    assert len(images.images) == 2 * COUNT


GROUPS: dict[str, Callable[[Any], bool]] = {
    "all": lambda image: True,
    "front": lambda image: image.camera == "front",
    "left": lambda image: image.camera == "left",
    "day": lambda image: image.condition == "day",
    "night": lambda image: image.condition == "night",
}


@pytest.mark.parametrize("name", GROUPS)
def test_every_group_equals_the_independent_script(out: Path, images: CocoFile, name: str) -> None:
    head = RunFolder(out).metrics().detection["detection"]
    group = {"all": head.all, **head.by_camera, **head.by_condition}[name]
    chosen = [number for number, image in enumerate(images.images, start=1) if GROUPS[name](image)]
    expected = independent(out, chosen, [1, 2, 3])
    assert 0.05 < expected[1] < 0.95
    check(group, expected)


@pytest.mark.parametrize("class_id", [0, 1, 2])
def test_every_class_equals_the_independent_script(out: Path, images: CocoFile, class_id: int) -> None:
    measured = RunFolder(out).metrics().detection["detection"].all.by_class[f"class_{class_id}"]
    expected = independent(out, list(range(1, len(images.images) + 1)), [class_id + 1])
    assert (measured.map50_95, measured.map50) == pytest.approx(expected[:2], abs=1e-6)
    objects = [
        label
        for image in images.images
        for label, ignored in zip(image.objects.labels, image.objects.ignored, strict=True)
        if not ignored
    ]
    assert measured.objects == objects.count(f"class_{class_id}")


def test_missed_objects_are_listed(out: Path) -> None:
    import json

    metrics = RunFolder(out).metrics().detection["detection"].all
    missed = [json.loads(line) for line in (out / "missed.jsonl").read_text().splitlines()]
    assert len(missed) == metrics.missed > 0
    assert metrics.found + metrics.missed == metrics.objects
    assert {entry["label"] for entry in missed} <= {"class_0", "class_1", "class_2"}
