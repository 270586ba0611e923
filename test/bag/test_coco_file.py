"""COCO files: what pycocotools makes of them, and what is said of bad ones."""

import json
from pathlib import Path

import numpy as np
import pytest

from trt_perception import InputError
from trt_perception.bag.coco_file import CocoFile, CocoImage, coco_text, read_coco
from trt_perception.bag.true_objects import TrueObjects

COCO = pytest.importorskip("pycocotools.coco", reason="pycocotools is not installed").COCO
COCOeval = pytest.importorskip("pycocotools.cocoeval").COCOeval


def objects(
    *boxes: tuple[float, float, float, float], label: str = "car", ignored: tuple[int, ...] = ()
) -> TrueObjects:
    count = len(boxes)
    return TrueObjects(
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        labels=(label,) * count,
        track_ids=tuple(str(index) for index in range(count)),
        visible_fraction=np.linspace(1.0, 0.25, count, dtype=np.float32),
        truncation=np.linspace(0.0, 0.5, count, dtype=np.float32),
        ignored=np.isin(np.arange(count), ignored),
    )


def sample_file() -> CocoFile:
    images = (
        CocoImage(
            file_name="front/1.png",
            width=960,
            height=544,
            objects=objects((10.25, 20, 110, 220.5), (300, 300, 301, 302), ignored=(1,)),
            camera="front",
            stamp_ns=1_700_000_000_123_456_789,
            condition="night",
        ),
        CocoImage(file_name="left/1.png", width=640, height=480, objects=objects()),
    )
    return CocoFile(class_names=("person", "car"), images=images)


def test_reading_gives_back_what_was_written(tmp_path: Path) -> None:
    sent = sample_file()
    (tmp_path / "coco.json").write_text(coco_text(sent))
    read = read_coco(tmp_path / "coco.json")
    assert read.class_names == sent.class_names
    for ours, theirs in zip(read.images, sent.images, strict=True):
        for name in ("file_name", "width", "height", "camera", "stamp_ns", "condition"):
            assert getattr(ours, name) == getattr(theirs, name)
        for name in ("boxes", "visible_fraction", "truncation", "ignored"):
            np.testing.assert_array_equal(getattr(ours.objects, name), getattr(theirs.objects, name))
        assert (ours.objects.labels, ours.objects.track_ids) == (theirs.objects.labels, theirs.objects.track_ids)
    assert coco_text(read) == coco_text(sent)


def precision(path: Path, found: list[dict], capsys: pytest.CaptureFixture[str]) -> float:
    truth = COCO(str(path))
    evaluation = COCOeval(truth, truth.loadRes(found), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    capsys.readouterr()
    return float(evaluation.stats[1])


def test_to_pycocotools_an_ignored_object_is_neither_missed_nor_a_false_alarm(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "coco.json"
    path.write_text(coco_text(sample_file()))
    hit = {"image_id": 1, "category_id": 2, "bbox": [10.25, 20, 99.75, 200.5], "score": 0.5}
    on_ignored = {"image_id": 1, "category_id": 2, "bbox": [300, 300, 1, 2], "score": 0.9}
    elsewhere = {"image_id": 1, "category_id": 2, "bbox": [600, 300, 50, 50], "score": 0.9}
    assert precision(path, [hit], capsys) == pytest.approx(1.0)
    assert precision(path, [hit, on_ignored], capsys) == pytest.approx(1.0)
    assert precision(path, [hit, elsewhere], capsys) == pytest.approx(0.5)


def test_a_file_of_others_is_read(tmp_path: Path) -> None:
    content = {
        "categories": [{"id": 90, "name": "toothbrush"}, {"id": 3, "name": "car"}],
        "images": [{"id": "abc", "file_name": "a.jpg", "width": 10, "height": 20, "license": 3}],
        "annotations": [
            {"id": 1, "image_id": "abc", "category_id": 90, "bbox": [1, 2, 3, 4], "segmentation": [[1, 2]]},
            {"id": 2, "image_id": "abc", "category_id": 3, "bbox": [1, 2, 3, 4], "iscrowd": 1},
            {"id": 3, "image_id": "abc", "category_id": 3, "bbox": [1, 2, 3, 4], "iscrowd": 0, "ignore": 1},
        ],
    }
    (tmp_path / "coco.json").write_text(json.dumps(content))
    file = read_coco(tmp_path / "coco.json")
    assert file.class_names == ("car", "toothbrush")
    (image,) = file.images
    assert (image.camera, image.stamp_ns, image.objects.labels) == ("", None, ("toothbrush", "car", "car"))
    assert image.objects.boxes.tolist() == [[1, 2, 4, 6]] * 3
    assert image.objects.ignored.tolist() == [False, True, True]


IMAGE = {"id": 1, "file_name": "a", "width": 1, "height": 1}
CLASS = {"id": 1, "name": "car"}
OBJECT = {"id": 7, "image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1]}


def content(**changes: object) -> str:
    return json.dumps({"images": [IMAGE], "categories": [CLASS], "annotations": [OBJECT], **changes})


@pytest.mark.parametrize(
    ("text", "named"),
    [
        pytest.param("not json", "no JSON", id="no_json"),
        pytest.param("[" * 100_000, "no JSON", id="nested_too_deeply"),
        pytest.param("[1, 2]", "expected a COCO file", id="a_list"),
        pytest.param("{}", "'categories' is missing", id="empty"),
        pytest.param(content(images=[{"id": 1}]), "'file_name' is missing", id="image_without_name"),
        pytest.param(content(images=[IMAGE, IMAGE]), "same id", id="image_twice"),
        pytest.param(content(categories=[CLASS, CLASS]), "same id", id="category_twice"),
        pytest.param(content(annotations=[{**OBJECT, "image_id": 2}]), "object 7 lies in image 2", id="unknown_image"),
        pytest.param(content(annotations=[{**OBJECT, "category_id": 2}]), "category 2", id="unknown_category"),
        pytest.param(content(annotations=[{**OBJECT, "bbox": [1, 2, 3]}]), "bbox", id="three_numbers"),
        pytest.param(content(annotations=[{**OBJECT, "bbox": [1, 2, 3, -1]}]), "bbox", id="negative_size"),
        pytest.param(
            content(annotations=[{**OBJECT, "bbox": [1, 2, 1e308, 1]}]), "float32 holds", id="too_large_a_box"
        ),
        pytest.param(
            content(annotations=[{**OBJECT, "visible_fraction": float("inf")}]), "float32 holds", id="infinite_share"
        ),
        pytest.param(content(annotations=[{**OBJECT, "bbox": [1, 2, 3, float("nan")]}]), "bbox", id="not_a_number"),
        pytest.param(
            content(annotations=[{**OBJECT, "bbox": ["a", 2, 3, 4]}]), "expected a COCO file", id="text_in_box"
        ),
        pytest.param(content(annotations=[{**OBJECT, "bbox": [[1, 2], 3]}, OBJECT]), "COCO file", id="ragged_boxes"),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / "coco.json").write_text(text)
    with pytest.raises(InputError, match=named) as caught:
        read_coco(tmp_path / "coco.json")
    assert str(tmp_path / "coco.json") in str(caught.value)


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_coco(tmp_path / "coco.json")


def test_a_class_that_is_not_listed_is_refused() -> None:
    image = CocoImage(file_name="a", width=1, height=1, objects=objects((0, 0, 1, 1), label="ship"))
    with pytest.raises(ValueError, match="'ship'"):
        coco_text(CocoFile(class_names=("car",), images=(image,)))
