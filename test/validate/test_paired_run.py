"""Models of two inputs: pairs are those of a plain reference, every frame of both cameras is accounted for, once."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from helpers.paired_bag import (
    COLOUR,
    MS,
    PERIOD_MS,
    SCORE,
    WARM,
    PairPipeline,
    accounted,
    even,
    interrupt_after,
    jittered,
    nearest_pairs,
    pair_of,
    records_of,
    shots,
    skipped,
    told,
    write_shots,
)
from helpers.tiny_bag import START_NS

from trt_perception import InputError
from trt_perception.bag.bag_reader import BagReader
from trt_perception.pairing.pairing_options import IncompleteSet, PairingOptions
from trt_perception.validate import bag_plan
from trt_perception.validate.frame_record import FrameRecord
from trt_perception.validate.judge_run import judge_run
from trt_perception.validate.merge_runs import merge_runs
from trt_perception.validate.report import read_report
from trt_perception.validate.run_folder import RunFolder
from trt_perception.validate.validate_run import validate_run
from trt_perception.validate.validation_options import ValidationOptions

pytest.importorskip("onnx", reason="the model is made with onnx")
pytest.importorskip("pycocotools", reason="needs pycocotools")

RESULTS = ("metrics.json", "frames.jsonl", "missed.jsonl", "detections/detections.mcap", "detections/metadata.yaml")
OPTIONS = ValidationOptions(score=SCORE)
LATEST = PairingOptions(tolerance_ms=5, deadline_ms=250, incomplete=IncompleteSet.LATEST)


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> PairPipeline:
    return PairPipeline(tmp_path_factory.mktemp("model"))


def contents(out: Path) -> dict[str, bytes]:
    return {name: (out / name).read_bytes() for name in RESULTS}


def pairs_of(records: Sequence[FrameRecord]) -> dict[int, int]:
    return {r.stamp_ns or 0: partner.stamp_ns for r in records for partner in r.partners}


@pytest.mark.parametrize("tolerance_ms", [5.0, 30.0, 180.0], ids=["narrow", "wide", "wider_than_a_period"])
@pytest.mark.parametrize("seed", range(3))
def test_pairs_are_those_of_a_reference_however_the_bag_is_cut(
    pipeline: PairPipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, tolerance_ms: float
) -> None:
    colour, warm = (
        list(jittered(2 * seed + number, count=40, jitter_ms=8, holes=0.2, start_ns=START_NS + start, period_ms=period))
        for number, (start, period) in enumerate(((0, 100), (3 * MS, 90)))
    )
    random = np.random.default_rng(100 + seed)
    taken = [
        dataclasses.replace(shot, log_time_ns=shot.stamp_ns + int(delay * MS))
        for shot, delay in zip(
            [*shots(COLOUR, colour), *shots(WARM, warm, first=100)],
            random.uniform(5, 60, len(colour) + len(warm)) + ([0] * len(colour) + [150] * len(warm)),
            strict=True,
        )
    ]
    bag = write_shots(tmp_path / "bag", taken)
    options = dataclasses.replace(OPTIONS, pairing=PairingOptions(tolerance_ms=tolerance_ms))
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    validate_run([bag], pipeline, whole, options=options)
    monkeypatch.setattr(bag_plan, "FRAMES_PER_SEGMENT", 3)
    validate_run([bag], pipeline, cut, options=options)
    assert contents(whole) == contents(cut)

    records, grey = records_of(whole), {(shot.camera, shot.stamp_ns): shot.grey for shot in taken}
    expected = nearest_pairs(colour, warm, round(tolerance_ms * MS))
    assert pairs_of(records) == expected
    assert 2 < len(expected) < min(len(colour), len(warm))
    for record in records:
        if record.skipped is None:
            partner = expected[record.stamp_ns or 0]
            greys = grey[COLOUR, record.stamp_ns or 0], grey[WARM, partner]
            assert told(record.detections["detection"]) == greys
    assert accounted(records) == Counter((shot.camera, shot.stamp_ns) for shot in taken)
    assert set(skipped(records).values()) == {"unpaired"}
    ledger = {camera.camera: camera for camera in RunFolder(whole).metrics().ledger.cameras}
    for camera, stamps in ((COLOUR, colour), (WARM, warm)):
        assert (ledger[camera].frames, ledger[camera].processed) == (len(stamps), len(expected))
        assert ledger[camera].skipped == {"unpaired": len(stamps) - len(expected)}


@pytest.mark.parametrize("way", ["again", "two_processes", "interrupted"])
def test_results_are_equal_byte_for_byte(
    pipeline: PairPipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(bag_plan, "FRAMES_PER_SEGMENT", 4)
    warm = list(jittered(1, count=40, jitter_ms=4, holes=0.2, start_ns=START_NS, period_ms=PERIOD_MS))
    taken = shots(COLOUR, even(40)) + shots(WARM, warm, first=100, latency_ns=300 * MS)
    bag = write_shots(tmp_path / "bag", taken, truth=even(40))
    options = dataclasses.replace(OPTIONS, pairing=LATEST)
    validate_run([bag], pipeline, tmp_path / "one", options=options)
    two = tmp_path / "two"
    if way == "interrupted":
        with pytest.raises(KeyboardInterrupt):
            validate_run([bag], pipeline, two, options=options, progress=interrupt_after(70))
        assert list((two / ".partial" / "0").glob("*.json"))
    processes = 2 if way == "two_processes" else 1
    validate_run([bag], pipeline, two, options=dataclasses.replace(options, processes=processes))
    assert contents(tmp_path / "one") == contents(two)
    assert any(partner.again for record in records_of(two) for partner in record.partners)


def test_an_earlier_frame_stands_in_and_is_counted_once(pipeline: PairPipeline, tmp_path: Path) -> None:
    colour, warm = even(12), even(12, off_ms=1)
    here = [stamp for index, stamp in enumerate(warm) if index not in (3, 4, 7, 8, 9, 10)]
    bag = write_shots(tmp_path / "bag", shots(COLOUR, colour) + shots(WARM, here, first=100))
    validate_run([bag], pipeline, tmp_path / "out", options=dataclasses.replace(OPTIONS, pairing=LATEST))
    records = records_of(tmp_path / "out")
    expected, again = {}, set()
    for stamp in colour:
        near = [w for w in here if abs(w - stamp) <= 5 * MS]
        older = [w for w in here if 0 < stamp - w <= 250 * MS]
        if near or older:
            expected[stamp] = near[0] if near else max(older)
            if not near:
                again.add(stamp)
    assert pairs_of(records) == expected
    assert {r.stamp_ns for r in records for partner in r.partners if partner.again} == again
    assert len(again) > 2
    assert skipped(records) == {(COLOUR, stamp): "unpaired" for stamp in colour if stamp not in expected}
    assert len(expected) < 12
    assert accounted(records) == Counter([(COLOUR, s) for s in colour] + [(WARM, s) for s in here])


def test_a_skipped_frame_says_who_was_missing(pipeline: PairPipeline, tmp_path: Path) -> None:
    colour, warm = even(8), even(8, off_ms=2)
    warm[5] += 20 * MS
    bag = write_shots(tmp_path / "bag", shots(COLOUR, colour) + shots(WARM, warm, first=100))
    metrics = validate_run([bag], pipeline, tmp_path / "out", options=OPTIONS)
    problems = {(r.camera, r.stamp_ns): r.problem for r in records_of(tmp_path / "out") if r.skipped}
    assert problems == {
        (COLOUR, colour[5]): f"no frame of {WARM} within 5 ms; the nearest is +22.000 ms away",
        (WARM, warm[5]): f"no frame of {COLOUR} took it",
    }
    assert metrics.ledger.skipped == {"unpaired": 2}


def test_results_and_truth_are_of_the_first_camera(pipeline: PairPipeline, tmp_path: Path) -> None:
    bag = write_shots(tmp_path / "bag", pair_of(), truth=even(8))
    out = tmp_path / "out"
    metrics = validate_run([bag], pipeline, out, options=OPTIONS)
    assert [(camera.camera, camera.with_truth) for camera in metrics.ledger.cameras] == [(COLOUR, 8), (WARM, 0)]
    assert list(metrics.detection["detection"].by_camera) == [COLOUR]
    assert (metrics.detection["detection"].all.found, metrics.detection["detection"].all.missed) == (8, 0)
    assert metrics.warnings == ()
    topics = BagReader(out / "detections").topics
    assert {name.split("/")[1] for name in topics} == {COLOUR}
    assert topics[f"/{COLOUR}/detections"].message_count == 8
    assert metrics.pairing is not None
    assert metrics.pairing.sets == ((COLOUR, WARM),)


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_images_that_came_at_the_same_time_are_told_apart(
    pipeline: PairPipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, storage: str
) -> None:
    monkeypatch.setattr(bag_plan, "FRAMES_PER_SEGMENT", 4)
    # All of four instants are recorded at once, with their truth, as a recorder that was held up does.
    held_up = [
        dataclasses.replace(shot, log_time_ns=START_NS + (shot.stamp_ns - START_NS) // (400 * MS) * 400 * MS + 30 * MS)
        for shot in pair_of(16)
    ]
    bag = write_shots(
        tmp_path / "bag", held_up, truth=[START_NS + index * 400 * MS for index in range(4)], storage=storage
    )
    options = dataclasses.replace(OPTIONS, processes=2)
    metrics = validate_run([bag], pipeline, tmp_path / "out", options=options)
    assert (metrics.ledger.processed, metrics.ledger.skipped) == (32, {})
    assert [told(r.detections["detection"]) for r in records_of(tmp_path / "out")] == [
        (index, 100 + index) for index in range(16)
    ]


@pytest.mark.parametrize("kind", ["coco", "bag"])
def test_truth_from_outside_is_of_the_first_camera(pipeline: PairPipeline, tmp_path: Path, kind: str) -> None:
    with_truth = write_shots(tmp_path / "with" / "drive", pair_of(), truth=even(8))
    own = validate_run([with_truth], pipeline, tmp_path / "own", options=dataclasses.replace(OPTIONS, coco=True))
    without = write_shots(tmp_path / "without" / "drive", pair_of())
    source = tmp_path / "own" / "coco_truth.json" if kind == "coco" else with_truth
    options = dataclasses.replace(OPTIONS, truth=source, own_truth=False)
    outside = validate_run([without], pipeline, tmp_path / "outside", options=options)
    assert outside.truth == kind
    assert outside.detection == own.detection
    assert outside.ledger == own.ledger
    assert outside.warnings == ()


def test_worst_frames_have_pictures_and_the_report_says_the_sets(pipeline: PairPipeline, tmp_path: Path) -> None:
    pytest.importorskip("jinja2", reason="reports are made with Jinja2")
    out, bag = tmp_path / "out", write_shots(tmp_path / "bag", pair_of(), truth=even(8))
    validate_run([bag], pipeline, out, options=OPTIONS)
    verdict = judge_run(out, bags=[bag])
    schema = Path(__file__).parents[2] / "config" / "schema" / "report.schema.json"
    jsonschema.validate(json.loads((out / "report.json").read_text()), json.loads(schema.read_text()))
    page = (out / "report.html").read_text()
    assert verdict.passed
    assert page.count("data:image/jpeg") >= 1  # the second detection of every frame is a false alarm
    assert f"{COLOUR} + {WARM}; stamps within 5 ms" in page


def test_frames_to_spare_are_no_difference(pipeline: PairPipeline, tmp_path: Path) -> None:
    pytest.importorskip("jinja2", reason="reports are made with Jinja2")
    whole = write_shots(tmp_path / "whole", pair_of(), truth=even(8))
    stray = shots(WARM, [stamp + 40 * MS for stamp in even(8)], first=120)
    more = write_shots(tmp_path / "more", pair_of() + stray, truth=even(8))
    validate_run([whole], pipeline, tmp_path / "before", options=OPTIONS)
    metrics = validate_run([more], pipeline, tmp_path / "now", options=OPTIONS)
    assert metrics.ledger.skipped == {"unpaired": 8}
    # A camera with frames to spare is no fault: neither the comparison nor the share of skipped frames minds.
    assert judge_run(tmp_path / "now", baseline=tmp_path / "before").passed
    report = read_report(tmp_path / "now")
    assert report.drift is not None
    assert (report.drift.frames, report.drift.only_here, report.drift.warnings[:-1]) == (8, (), ())
    share = next(gate for gate in report.gates if gate.gate == "absolute.max_skipped_share")
    assert share.value == 0


def test_a_model_of_the_first_camera_alone_is_a_baseline(pipeline: PairPipeline, tmp_path: Path) -> None:
    pytest.importorskip("jinja2", reason="reports are made with Jinja2")
    bag = write_shots(tmp_path / "bag", pair_of()[:-1], truth=even(8))
    alone = dataclasses.replace(OPTIONS, cameras=(COLOUR,))
    validate_run([bag], PairPipeline(tmp_path, thermal=False), tmp_path / "before", options=alone)
    validate_run([bag], pipeline, tmp_path / "now", options=OPTIONS)
    judge_run(tmp_path / "now", baseline=tmp_path / "before")
    drift = read_report(tmp_path / "now").drift
    assert drift is not None
    assert (drift.frames, len(drift.lost_frames), drift.only_here, drift.only_baseline) == (7, 1, (), ())
    boxes = drift.heads["detection"].boxes
    assert (boxes.matched, boxes.lost, boxes.added) == (7, 0, 7)
    assert f"the runs have other sets of cameras: {COLOUR} + {WARM}; stamps within 5 ms" in drift.warnings[0]


def test_merged_runs_are_those_of_one(pipeline: PairPipeline, tmp_path: Path) -> None:
    bags = [
        write_shots(
            tmp_path / name,
            shots(COLOUR, [stamp + far for stamp in even(6)])
            + shots(WARM, [stamp + far for stamp in even(5)], first=100),
        )
        for name, far in (("rain", 0), ("fog", 10_000 * MS))
    ]
    validate_run(bags, pipeline, tmp_path / "both", options=OPTIONS)
    for bag in bags:
        validate_run([bag], pipeline, tmp_path / f"of_{bag.name}", options=OPTIONS)
    merge_runs([tmp_path / "of_fog", tmp_path / "of_rain"], tmp_path / "merged")
    for name in ("metrics.json", "frames.jsonl", "missed.jsonl"):
        assert (tmp_path / "merged" / name).read_bytes() == (tmp_path / "both" / name).read_bytes()
    other = dataclasses.replace(OPTIONS, pairing=PairingOptions(tolerance_ms=9))
    validate_run([bags[0]], pipeline, tmp_path / "other", options=other)
    with pytest.raises(InputError, match="runs of one pairing"):
        merge_runs([tmp_path / "of_fog", tmp_path / "other"], tmp_path / "never")
