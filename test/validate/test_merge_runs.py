"""Runs merge in any order and grouping, and give what a single run of all their bags gives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.validation_bag import SCORE, TinyPipeline, scene_messages, write_scene_bag
from hypothesis import given, settings
from hypothesis import strategies as st

from trt_perception import InputError
from trt_perception.detections import Detections
from trt_perception.errors import DropReason
from trt_perception.validate.frame_record import FrameRecord, RecordTruth
from trt_perception.validate.match_frame import match_frame
from trt_perception.validate.measure_run import measure_run
from trt_perception.validate.merge_runs import merge_frames, merge_headers, merge_runs
from trt_perception.validate.run_folder import RunFolder
from trt_perception.validate.run_header import RunBag, RunCamera, RunHead, RunHeader, RunModel, RunThresholds
from trt_perception.validate.validate_run import validate_run
from trt_perception.validate.validation_options import ValidationOptions

pytest.importorskip("pycocotools", reason="needs pycocotools")

Run = tuple[RunHeader, list[FrameRecord]]
LABELS = ("car", "bus")
HEADER = RunHeader(
    model=RunModel(name="tiny", sha256="0" * 64, spec_sha256="1" * 64, backend="onnxruntime 1"),
    thresholds=RunThresholds(score=0.3, floor=0.05, nms_iou=0.45, max_detections=300),
    truth="topics",
    heads={
        "boxes": RunHead(labels=LABELS, is_detection=True),
        "road": RunHead(labels=("no", "yes"), is_detection=False),
    },
)


def boxes(random: np.random.Generator, count: int) -> np.ndarray:
    low = random.integers(0, 20, (count, 2))
    return np.hstack([low, low + random.integers(1, 40, (count, 2))]).astype(np.float32)


def record(bag: str, index: int, random: np.random.Generator) -> FrameRecord:
    plain = FrameRecord(
        bag=bag,
        camera=("front", "rear")[index % 2],
        stamp_ns=index,
        log_time_ns=index,
        condition=("day", "night", "")[random.integers(3)],
    )
    if random.random() < 0.2:
        return replace(plain, skipped=DropReason.CORRUPT_IMAGE, problem="rubbish")
    count = int(random.integers(0, 5))
    found = Detections(
        boxes=boxes(random, count),
        scores=-np.sort(-random.choice([0.1, 0.3, 0.5, 0.9], count)).astype(np.float32),
        class_ids=random.integers(0, 2, count).astype(np.int32),
    )
    plain = replace(plain, width=64, height=64, detections={"boxes": found})
    if random.random() < 0.2:
        return plain
    objects = int(random.integers(0, 4))
    truth = RecordTruth(
        labels=tuple(str(label) for label in random.choice(["car", "bus", "tram"], objects)),
        boxes=boxes(random, objects),
        ignored=random.random(objects) < 0.3,
        track_ids=("",) * objects,
    )
    cells = np.stack([[0, 1, 1], [0, 1, 2], random.integers(1, 99, 3)], axis=1)
    return replace(
        plain,
        truth=truth,
        matches={"boxes": match_frame(found, truth, labels=LABELS, score=0.3)},
        confusion={"road": cells},
    )


def bag_run(number: int, seed: int, frames: int) -> Run:
    """A run of one bag."""
    random = np.random.default_rng(seed)
    name = f"bag_{number}"
    records = [record(name, index, random) for index in range(frames)]
    cameras = {
        camera: RunCamera(
            topic=f"/{camera}/image_raw",
            frames=sum(item.camera == camera for item in records),
            truth_without_frame=int(random.integers(0, 3)),
        )
        for camera in ("front", "rear")
    }
    bag = RunBag(name=name, start_ns=int(random.integers(0, 3)), end_ns=9, messages=frames, cameras=cameras)
    return replace(HEADER, bags=(bag,)), records


def merged(*runs: Run) -> Run:
    return merge_headers([header for header, _ in runs]), list(merge_frames(runs))


def plain(run: Run) -> tuple[object, list[object]]:
    return run[0].to_plain(), [item.to_plain() for item in run[1]]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 10_000), min_size=3, max_size=5), st.integers(0, 8), st.randoms())
def test_merging_is_associative_and_heeds_no_order(seeds: list[int], frames: int, random: object) -> None:
    runs = [bag_run(number, seed, frames) for number, seed in enumerate(seeds)]
    whole = merged(*runs)
    first, second, *rest = runs
    assert plain(merged(merged(first, second), *rest)) == plain(whole)
    assert plain(merged(first, merged(second, *rest))) == plain(whole)
    random.shuffle(runs)  # type: ignore[attr-defined]
    assert plain(merged(*runs)) == plain(whole)
    figures = measure_run(*whole).to_plain()
    assert measure_run(*merged(merged(*runs[:2]), merged(*runs[2:]))).to_plain() == figures


def test_counts_of_a_merged_run_are_sums() -> None:
    runs = [bag_run(number, number, 30) for number in range(3)]
    alone = [measure_run(*run).detection["boxes"].all for run in runs]
    together = measure_run(*merged(*runs)).detection["boxes"].all
    for name in ("images", "frames", "detections", "objects", "ignored", "found", "missed", "false_alarms"):
        assert getattr(together, name) == sum(getattr(group, name) for group in alone)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        pytest.param({"truth": "coco"}, "truth of one kind", id="truth"),
        pytest.param({"model": replace(HEADER.model, sha256="2" * 64)}, "runs of one model", id="model"),
        pytest.param({"thresholds": replace(HEADER.thresholds, score=0.5)}, "one thresholds", id="thresholds"),
        pytest.param({"heads": {}}, "one heads", id="heads"),
    ],
)
def test_runs_that_differ_are_refused(change: dict[str, object], named: str) -> None:
    (one, _), (two, _) = bag_run(0, 0, 1), bag_run(1, 1, 1)
    with pytest.raises(InputError, match=named):
        merge_headers([one, replace(two, **change)])  # type: ignore[arg-type]


def test_a_bag_that_is_in_two_runs_is_refused() -> None:
    header, _ = bag_run(0, 0, 1)
    with pytest.raises(InputError, match="bag_0 is in two of the runs"):
        merge_headers([header, header])


def assert_times_of_all(folder: Path) -> None:
    names = ("out_rain", "out_fog", "out_dusk")
    alone = [RunFolder(folder / name).timings() for name in names]
    together = RunFolder(folder / "merged").timings()
    assert together["frames"] == sum(timings["frames"] for timings in alone) == 30
    assert together["wall_s"] == pytest.approx(sum(timings["wall_s"] for timings in alone))
    for camera in ("all", "left"):
        longest = [timings["stages_ms"][camera]["total"]["max"] for timings in alone]
        means = [timings["stages_ms"][camera]["total"]["mean"] for timings in alone]
        total = together["stages_ms"][camera]["total"]
        assert total["max"] == max(longest)
        assert total["mean"] == pytest.approx(np.mean(means))  # all runs have as many frames
        assert min(means) / 2 < total["p50"] <= total["p99"] <= max(longest)
    assert sum(together["histogram"]["counts"]) == 30


@pytest.mark.parametrize(
    ("content", "named"),
    [
        pytest.param("{}", "damaged", id="empty"),
        pytest.param('{"counts": 3}', "damaged", id="kind"),
        pytest.param("[", "expected JSON", id="no_json"),
    ],
)
def test_damaged_times_are_refused_before_anything_is_written(tmp_path: Path, content: str, named: str) -> None:
    pytest.importorskip("onnxruntime", reason="needs ONNX Runtime")
    bag = write_scene_bag(tmp_path / "scene", scene_messages(count=2))
    validate_run([bag], TinyPipeline(tmp_path), tmp_path / "run", options=ValidationOptions(score=SCORE))
    (tmp_path / "run" / "timings.json").write_text(content)
    with pytest.raises(InputError, match=named):
        merge_runs([tmp_path / "run"], tmp_path / "merged")
    assert not (tmp_path / "merged").exists()
    (tmp_path / "run" / "timings.json").unlink()
    merge_runs([tmp_path / "run"], tmp_path / "merged")
    assert not (tmp_path / "merged" / "timings.json").exists()


def test_folders_merge_to_the_bytes_of_a_single_run(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="needs ONNX Runtime")
    pipeline = TinyPipeline(tmp_path)
    options = ValidationOptions(score=SCORE)
    bags = [
        write_scene_bag(tmp_path / name, scene_messages(count=5, first=first, conditions=(name,)))
        for name, first in (("rain", 0), ("fog", 20), ("dusk", 40))
    ]
    validate_run(bags, pipeline, tmp_path / "whole", options=options)
    for bag in bags:
        validate_run([bag], pipeline, tmp_path / f"out_{bag.name}", options=options)
    merge_runs([tmp_path / "out_fog", tmp_path / "out_rain"], tmp_path / "two")
    merge_runs([tmp_path / "out_dusk", tmp_path / "two"], tmp_path / "merged")
    for name in ("metrics.json", "frames.jsonl", "missed.jsonl"):
        assert (tmp_path / "merged" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert_times_of_all(tmp_path)
    with pytest.raises(InputError, match="a finished validation is there"):
        merge_runs([tmp_path / "out_dusk"], tmp_path / "merged")
    with pytest.raises(InputError, match="expected the folder of a finished validation"):
        merge_runs([tmp_path / "rain"], tmp_path / "other")
