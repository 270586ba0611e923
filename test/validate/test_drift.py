"""Drift between two runs: none against itself, each kind where it is, and intervals that know noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.validation_records import Found, make_record, make_run

from trt_perception.errors import DropReason
from trt_perception.validate.drift import Change, Drift
from trt_perception.validate.frame_record import FrameRecord
from trt_perception.validate.measure_drift import measure_drift
from trt_perception.validate.paired_bootstrap import BootstrapOptions, draw_weights

pytest.importorskip("pycocotools", reason="needs pycocotools")

OPTIONS = BootstrapOptions(replicates=400, block_s=1.0)
CAR = [10.0, 10.0, 60.0, 50.0]
TRUCK = [100.0, 20.0, 220.0, 140.0]
TRUTH = [(CAR, "car"), (TRUCK, "truck")]
BOTH: Found = [(CAR, 0.9, 0), (TRUCK, 0.8, 1)]
COUNT = 20


def shifted(box: list[float], by: float) -> list[float]:
    return [box[0] + by, box[1], box[2] + by, box[3]]


def drift_of(tmp_path: Path, here: list[FrameRecord], baseline: list[FrameRecord]) -> Drift:
    return measure_drift(make_run(tmp_path / "here", here), make_run(tmp_path / "baseline", baseline), OPTIONS)


def frames(found: Found = BOTH, **more: object) -> list[FrameRecord]:
    return [make_record(index, found, TRUTH, **more) for index in range(COUNT)]  # type: ignore[arg-type]


def changes(drift: Drift) -> list[Change]:
    head = drift.heads["boxes"]
    boxes = [head.boxes, *head.boxes_by_class.values(), *head.boxes_by_camera.values()]
    parts = [head.precision, *head.precision_by_class.values()]
    result = [change for group in boxes for change in (group.count, group.score)]
    result += head.map50_by_camera.values()
    result += [change for part in parts if part for change in (part.map50, part.map50_95)]
    return result + [change for mask in drift.masks.values() for change in (mask.miou, *mask.iou.values())]


def test_a_run_has_no_drift_against_itself(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    records = [
        make_record(
            index,
            [(shifted(CAR, random.normal(0, 5)), random.uniform(0.2, 0.9), 0), (TRUCK, 0.8, index % 2)],
            TRUTH,
            camera=camera,
            road=(80 + index, 10, index),
        )
        for index in range(COUNT)
        for camera in ("front", "left")
    ]
    drift = drift_of(tmp_path, records, records)
    assert drift.frames == drift.with_truth == 2 * COUNT
    assert drift.unpaired == 0
    assert len(changes(drift)) > 20
    for change in changes(drift):
        assert change.value == 0.0
        assert (change.low, change.high) == (0.0, 0.0)
        assert not change.is_significant
    head = drift.heads["boxes"]
    assert head.boxes.agreement.value == head.boxes.mean_iou.value == 1.0
    assert head.boxes.lost == head.boxes.added == head.boxes.class_changed == 0


def test_tells_lost_added_moved_and_renamed_objects(tmp_path: Path) -> None:
    here = frames([(shifted(CAR, 10), 0.7, 1), ([300.0, 10.0, 340.0, 50.0], 0.5, 0)])
    head = drift_of(tmp_path, here, frames()).heads["boxes"]
    assert (head.boxes.matched, head.boxes.lost, head.boxes.added) == (COUNT, COUNT, COUNT)
    assert head.boxes.class_changed == COUNT
    assert head.boxes_by_class["car"].class_changed == COUNT  # of the class that the baseline gives it
    assert head.boxes_by_class["truck"].lost == COUNT
    assert head.boxes_by_class["car"].added == COUNT
    assert head.boxes.count.value == 0.0
    assert head.boxes.score.value == pytest.approx(-0.2)
    assert head.boxes.mean_iou.value == pytest.approx(40 / 60)
    assert head.boxes.agreement.value == 0.0


def test_detections_below_the_operating_score_do_not_count(tmp_path: Path) -> None:
    head = drift_of(tmp_path, frames([*BOTH, ([300.0, 10.0, 340.0, 50.0], 0.2, 0)]), frames()).heads["boxes"]
    assert head.boxes.count.here == head.boxes.count.baseline == 2 * COUNT
    assert head.boxes.added == 0


def test_drift_of_a_camera_is_its_own(tmp_path: Path) -> None:
    baseline = [*frames(), *frames(camera="left")]
    here = [*frames(), *frames([(CAR, 0.9, 0)], camera="left")]
    head = drift_of(tmp_path, here, baseline).heads["boxes"]
    assert head.boxes_by_camera["front"].count.value == 0.0
    assert head.boxes_by_camera["left"].count.value == -0.5
    assert head.map50_by_camera["front"].value == 0.0
    assert head.map50_by_camera["left"].value == pytest.approx(-0.5)
    assert head.precision_by_class["truck"].map50.value is not None
    assert head.precision_by_class["truck"].map50.value < -0.4


def test_a_loss_in_every_frame_is_no_noise_and_one_in_one_frame_is(tmp_path: Path) -> None:
    everywhere = drift_of(tmp_path / "all", frames([(CAR, 0.9, 0)]), frames()).heads["boxes"]
    assert everywhere.precision is not None
    assert everywhere.precision.map50.is_significant
    assert everywhere.boxes.count.is_significant
    once = [make_record(0, [(CAR, 0.9, 0)], TRUTH), *frames()[1:]]
    single = drift_of(tmp_path / "one", once, frames()).heads["boxes"]
    assert single.precision is not None
    assert single.precision.map50.value is not None
    assert single.precision.map50.value < 0
    assert not single.precision.map50.is_significant
    assert not single.boxes.count.is_significant


def test_the_interval_of_the_count_is_that_of_numpy(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    here_counts = random.integers(0, 5, COUNT)
    before_counts = random.integers(1, 5, COUNT)

    def run(counts: np.ndarray) -> list[FrameRecord]:
        return [
            make_record(index, [(shifted(CAR, 60.0 * n), 0.9, 0) for n in range(count)], TRUTH)
            for index, count in enumerate(counts.tolist())
        ]

    found = drift_of(tmp_path, run(here_counts), run(before_counts)).heads["boxes"].boxes.count
    weights = draw_weights(COUNT, OPTIONS)
    assert weights is not None
    relative = []
    for row in weights:
        drawn = np.repeat(np.arange(COUNT), row)  # the frames themselves, as often as drawn
        relative.append((here_counts[drawn].sum() - before_counts[drawn].sum()) / before_counts[drawn].sum())
    assert found.value == pytest.approx((here_counts.sum() - before_counts.sum()) / before_counts.sum())
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(relative, (2.5, 97.5))))


def test_masks_are_compared_by_the_mean_of_their_classes(tmp_path: Path) -> None:
    drift = drift_of(tmp_path, frames(road=(80, 20, 0)), frames(road=(90, 10, 0)))
    miou = drift.masks["road"].miou
    before, here = (90 / 100 + 100 / 110) / 2, (80 / 100 + 100 / 120) / 2
    assert (miou.baseline, miou.here) == pytest.approx((before, here))
    assert miou.value == pytest.approx(here - before)
    assert miou.is_significant
    assert drift.masks["road"].iou["road"].value == pytest.approx(-0.1)


def test_lists_the_frames_that_are_not_in_both_runs(tmp_path: Path) -> None:
    here, baseline = frames(), frames()
    del here[3]
    del baseline[5]
    here[6] = make_record(7, skipped=DropReason.CORRUPT_IMAGE)
    baseline[10] = make_record(11, skipped=DropReason.CORRUPT_IMAGE)
    here[14] = make_record(15, skipped=DropReason.SHORT_DATA)
    baseline[14] = make_record(15, skipped=DropReason.SHORT_DATA)
    drift = drift_of(tmp_path, here, baseline)
    second = 1_000_000_000
    assert [frame.time_ns // second for frame in drift.only_baseline] == [1003]
    assert [frame.time_ns // second for frame in drift.only_here] == [1005]
    assert [frame.time_ns // second for frame in drift.lost_frames] == [1007]
    assert [frame.time_ns // second for frame in drift.gained_frames] == [1011]
    assert drift.skipped_in_both == 1
    assert drift.frames == COUNT - 5
    assert drift.unpaired == 4


def test_says_what_beside_the_model_differs(tmp_path: Path) -> None:
    here = make_run(tmp_path / "here", frames(), truth="coco", score=0.4)
    labels = ("car", "lorry")
    baseline = make_run(
        tmp_path / "baseline", [make_record(i, BOTH, TRUTH, labels=labels) for i in range(3)], labels=labels
    )
    drift = measure_drift(here, baseline, OPTIONS)
    assert drift.heads == {}
    text = " ".join(drift.warnings)
    for words in ("head boxes: only one run has it, or their labels differ", "other thresholds", "from coco here",
                  "fewer than 5"):  # fmt: skip
        assert words in text
