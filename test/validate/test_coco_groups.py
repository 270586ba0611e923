"""Scores of groups of frames are those that pycocotools computes of the same frames at once, to the bit."""

from __future__ import annotations

import contextlib
import errno
import io
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from trt_perception.detections import Detections
from trt_perception.validate.coco_form import coco_annotations, coco_categories, coco_results
from trt_perception.validate.coco_groups import CocoGroups
from trt_perception.validate.image_truth import ImageTruth
from trt_perception.validate.match_file import MATCH, MatchFile
from trt_perception.validate.precision_curve import PrecisionCurve

pytest.importorskip("pycocotools", reason="the reference")

LABELS = ("car", "person", "cone")
Image = tuple[str, Detections, ImageTruth]


def image(random: np.random.Generator, group: str, objects: int, found: int, levels: int) -> Image:
    """Objects of all sizes, some ignored, detections on and beside them, and scores of so many levels."""
    corner = random.uniform(0, 300, (objects, 2))
    boxes = np.concatenate([corner, corner + random.uniform(4, 150, (objects, 2))], axis=1)
    class_ids = random.integers(0, len(LABELS), objects)
    known = random.integers(0, objects, found) if objects else np.zeros(0, np.int64)
    near = boxes[known] + random.normal(0, 5, (len(known), 4))
    near[:, 2:] = np.maximum(near[:, 2:], near[:, :2] + 1)
    scores = np.sort(random.integers(1, levels + 1, len(known)) / levels)[::-1]
    detections = Detections(
        boxes=near.astype(np.float32),
        scores=scores.astype(np.float32),
        class_ids=np.where(random.random(len(known)) < 0.8, class_ids[known], 0).astype(np.int32),
    )
    truth = ImageTruth(
        boxes=boxes.astype(np.float32), class_ids=class_ids.astype(np.int32), ignored=random.random(objects) < 0.2
    )
    return group, detections, truth


def reference(images: list[Image]) -> NDArray[np.float64]:
    """All of it given to COCOeval."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    sides: list[Any] = []
    for entries in (
        [entry for index, (_, _, truth) in enumerate(images, 1) for entry in coco_annotations(index, truth)],
        [entry for index, (_, found, _) in enumerate(images, 1) for entry in coco_results(index, found)],
    ):
        for number, entry in enumerate(entries, start=1):
            entry.update(id=number, area=entry["bbox"][2] * entry["bbox"][3], iscrowd=entry.get("iscrowd", 0))
        side = COCO()
        side.dataset = {
            "images": [{"id": index} for index in range(1, len(images) + 1)],
            "categories": coco_categories(LABELS),
            "annotations": entries,
        }
        with contextlib.redirect_stdout(io.StringIO()):
            side.createIndex()
        sides.append(side)
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(*sides, "bbox")
        evaluation.params.maxDets = [100]
        evaluation.evaluate()
        evaluation.accumulate()
    return np.asarray(evaluation.eval["precision"][..., 0])


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    count=st.integers(1, 90),
    objects=st.integers(0, 8),
    found=st.integers(0, 12),
    levels=st.sampled_from([3, 1000]),
)
def test_precision_is_that_of_pycocotools(seed: int, count: int, objects: int, found: int, levels: int) -> None:
    random = np.random.default_rng(seed)
    images = [image(random, random.choice(["day", "night"]), objects, found, levels) for _ in range(count)]
    groups = CocoGroups(LABELS)
    for group, detections, truth in images:
        groups.add(group, detections, truth)
    for wanted in (["day", "night"], ["night"]):
        scores = groups.scores(wanted)
        chosen = [item for item in images if item[0] in wanted]
        np.testing.assert_array_equal(scores.precision, reference(chosen))
        counted = sum(int((~truth.ignored).sum()) for _, _, truth in chosen)
        assert scores.objects[:, 0].sum() == counted
    groups.close()


def test_more_frames_may_come_after_scores(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    images = [image(random, "day", 4, 8, 50) for _ in range(70)]
    groups = CocoGroups(LABELS, folder=tmp_path)
    for start in (0, 35):
        for group, detections, truth in images[start : start + 35]:
            groups.add(group, detections, truth)
        np.testing.assert_array_equal(groups.scores(["day"]).precision, reference(images[: start + 35]))
    groups.close()
    assert list(tmp_path.iterdir()) == []


def test_rows_of_a_class_come_best_first_and_equal_ones_in_order(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    rows = np.zeros(30_000, MATCH)
    rows["class_id"] = random.choice([0, 5], len(rows))
    rows["score"] = random.choice(np.array([-1.5, -0.0, 0.0, 0.25, 0.5, 3.0], np.float32), len(rows))
    rows["matched"][:, 0], rows["ignored"][:, 0] = np.divmod(np.arange(len(rows)), 60_000 // 7)
    file = MatchFile(tmp_path)
    for part in np.array_split(rows, 7):
        file.append(part)
    for class_id in (0, 3, 5):
        got = np.concatenate([np.zeros(0, MATCH), *file.of_class(class_id)])
        of_class = rows[rows["class_id"] == class_id]
        np.testing.assert_array_equal(got, of_class[np.argsort(-of_class["score"], kind="stable")])
    file.close()


def peak_bytes(detections: int, folder: Path) -> int:
    """What Python and NumPy allocate at most while a curve is made."""
    random = np.random.default_rng(3)
    file = MatchFile(folder)
    tracemalloc.start()
    for _ in range(detections // 5000):
        rows = np.zeros(5000, MATCH)
        rows["score"], rows["matched"] = random.random(5000), random.integers(0, 1024, (5000, 4))
        file.append(rows)
    curve = PrecisionCurve(np.full(4, detections))
    for rows in file.of_class(0):
        curve.add(rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    file.close()
    assert (curve.precision() > 0).any()
    return peak


def test_memory_does_not_grow_with_detections(tmp_path: Path) -> None:
    few, many = peak_bytes(20_000, tmp_path), peak_bytes(200_000, tmp_path)
    assert many < few * 1.1 < 20e6


def test_a_full_disk_is_an_error_and_not_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    file = MatchFile(tmp_path)
    file.append(np.zeros(3, MATCH))
    with pytest.raises(OSError, match="No space"):
        next(file.of_class(0))
    file.close()
