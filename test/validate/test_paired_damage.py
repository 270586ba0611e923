"""Models of two inputs on damaged bags, and sets that do not fit: every frame ends once, or nothing is begun."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from helpers.paired_bag import (
    COLOUR,
    SCORE,
    WARM,
    PairPipeline,
    Shot,
    accounted,
    even,
    interrupt_after,
    pair_of,
    records_of,
    shots,
    skipped,
    told,
    write_shots,
)

from trt_perception import BagError, InputError
from trt_perception.errors import DropReason
from trt_perception.validate import bag_plan
from trt_perception.validate.validate_run import validate_run
from trt_perception.validate.validation_options import ValidationOptions

pytest.importorskip("onnx", reason="the model is made with onnx")
pytest.importorskip("pycocotools", reason="needs pycocotools")

OPTIONS = ValidationOptions(score=SCORE)


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> PairPipeline:
    return PairPipeline(tmp_path_factory.mktemp("model"))


def with_fault(camera: str, index: int, **change: object) -> list[Shot]:
    taken = pair_of()
    number = index + (8 if camera == WARM else 0)
    taken[number] = dataclasses.replace(taken[number], **change)  # type: ignore[arg-type]
    return taken


@pytest.mark.parametrize(
    ("taken", "reasons"),
    [
        pytest.param(
            with_fault(WARM, 3, fault="cut"),
            {(COLOUR, even(8)[3]): "unpaired", (WARM, even(8, off_ms=2)[3]): "malformed"},
            id="partner_cut_short",
        ),
        pytest.param(
            with_fault(COLOUR, 3, fault="cut"),
            {(COLOUR, even(8)[3]): "malformed", (WARM, even(8, off_ms=2)[3]): "unpaired"},
            id="first_cut_short",
        ),
        pytest.param(with_fault(WARM, 3, size=48), {}, id="partner_of_another_size"),
        pytest.param(
            with_fault(WARM, 3, stamp_ns=even(8, off_ms=7)[3]),
            {(COLOUR, even(8)[3]): "unpaired", (WARM, even(8, off_ms=7)[3]): "unpaired"},
            id="partner_beyond_the_tolerance",
        ),
        pytest.param(
            with_fault(WARM, 3, stamp_ns=even(8, off_ms=2)[2]),
            {(COLOUR, even(8)[3]): "unpaired", (WARM, even(8, off_ms=2)[2]): "duplicate"},
            id="partner_with_a_stamp_twice",
        ),
        pytest.param(
            with_fault(COLOUR, 3, stamp_ns=even(8)[2]),
            {(COLOUR, even(8)[2]): "duplicate", (WARM, even(8, off_ms=2)[3]): "unpaired"},
            id="first_with_a_stamp_twice",
        ),
        pytest.param(pair_of()[:13], {(COLOUR, stamp): "unpaired" for stamp in even(8)[5:]}, id="partner_ends_early"),
        pytest.param(pair_of()[4:], {(WARM, stamp): "unpaired" for stamp in even(8, off_ms=2)[:4]}, id="late_start"),
    ],
)
def test_damage_is_counted_where_it_is(
    pipeline: PairPipeline, tmp_path: Path, taken: list[Shot], reasons: dict[tuple[str, int], str]
) -> None:
    bag = write_shots(tmp_path / "bag", taken)
    metrics = validate_run([bag], pipeline, tmp_path / "out", options=OPTIONS)
    records = records_of(tmp_path / "out")
    assert skipped(records) == reasons
    assert metrics.ledger.frames == len(taken) == sum(accounted(records).values())
    firsts = sum(camera == COLOUR for camera, _ in reasons)
    assert metrics.detection["detection"].all.frames == sum(shot.camera == COLOUR for shot in taken) - firsts


def test_a_file_that_does_not_decode_takes_its_set_with_it(pipeline: PairPipeline, tmp_path: Path) -> None:
    warm = [dataclasses.replace(shot, fault="corrupt") for shot in shots(WARM, even(3, off_ms=1), first=100)]
    other = shots("rear", even(3)) + shots("rear_thermal", even(3), first=100)
    bag = write_shots(tmp_path / "bag", [*shots(COLOUR, even(3)), *warm, *other])
    metrics = validate_run([bag], pipeline, tmp_path / "out", options=OPTIONS)
    assert {camera.camera: (camera.processed, dict(camera.skipped)) for camera in metrics.ledger.cameras} == {
        COLOUR: (0, {"unpaired": 3}),
        WARM: (0, {"corrupt_image": 3}),
        "rear": (3, {}),
        "rear_thermal": (3, {}),
    }
    problem = next(r.problem for r in records_of(tmp_path / "out") if r.camera == COLOUR)
    assert problem.startswith(f"{WARM} cannot be used: corrupt_image: ")


@pytest.mark.parametrize(
    ("taken", "sets", "named"),
    [
        pytest.param(shots(COLOUR, even(4)), (), "once for each set: --set FIRST,FIRST_thermal", id="no_partner_topic"),
        pytest.param(
            shots(COLOUR, even(4)) + shots("front_ir", even(4)), (), "--set front,front_ir", id="names_tell_nothing"
        ),
        pytest.param(pair_of(), ((COLOUR, "rear"),), "no camera rear", id="unknown_camera"),
        pytest.param(pair_of(), ((COLOUR,),), "has 2 inputs .*e.g. --set front,front_thermal", id="too_few_cameras"),
        pytest.param(pair_of(), ((COLOUR, COLOUR),), "expected every camera once", id="one_camera_twice"),
        pytest.param(
            pair_of() + shots("rear", even(4)),
            ((COLOUR, WARM), ("rear", COLOUR)),
            "camera front is the first of a set",
            id="first_in_another_set",
        ),
        pytest.param(
            shots(COLOUR, even(4)) + shots(WARM, even(4, off_ms=50)), (), "none of 8 frames .*unpaired 8", id="shifted"
        ),
    ],
)
def test_what_cannot_be_paired_is_refused(
    pipeline: PairPipeline, tmp_path: Path, taken: list[Shot], sets: tuple[tuple[str, ...], ...], named: str
) -> None:
    bag = write_shots(tmp_path / "bag", taken)
    options = dataclasses.replace(OPTIONS, sets=sets)
    with pytest.raises(InputError, match=named):
        validate_run([bag], pipeline, tmp_path / "out", options=options)


def test_sets_can_be_named_and_chosen(pipeline: PairPipeline, tmp_path: Path) -> None:
    rear = shots("rear", even(8)) + shots("rear_ir", even(8, off_ms=1), first=100)
    bag = write_shots(tmp_path / "bag", pair_of() + rear)
    named = dataclasses.replace(OPTIONS, sets=(("rear", "rear_ir"), (WARM, COLOUR)))
    metrics = validate_run([bag], pipeline, tmp_path / "named", options=named)
    assert list(metrics.detection["detection"].by_camera) == [WARM, "rear"]
    chosen = dataclasses.replace(named, cameras=("rear",))
    metrics = validate_run([bag], pipeline, tmp_path / "chosen", options=chosen)
    assert [camera.camera for camera in metrics.ledger.cameras] == ["rear", "rear_ir"]
    with pytest.raises(InputError, match="--camera rear_ir: expected the first camera of a set"):
        validate_run([bag], pipeline, tmp_path / "x", options=dataclasses.replace(named, cameras=("rear_ir",)))


def test_a_camera_of_two_sets_is_accounted_for_once(pipeline: PairPipeline, tmp_path: Path) -> None:
    left, right, warm = even(8)[:6], even(8, off_ms=3)[1:7], even(8, off_ms=1)
    taken = shots("left", left) + shots("right", right, first=50) + shots("wide_thermal", warm, first=100)
    bag = write_shots(tmp_path / "bag", taken)
    options = dataclasses.replace(OPTIONS, sets=(("left", "wide_thermal"), ("right", "wide_thermal")))
    metrics = validate_run([bag], pipeline, tmp_path / "out", options=options)
    records = records_of(tmp_path / "out")
    assert accounted(records) == Counter((shot.camera, shot.stamp_ns) for shot in taken)
    assert skipped(records) == {("wide_thermal", warm[7]): "unpaired"}
    assert next(r.problem for r in records if r.skipped) == "no frame of left or right took it"
    assert [camera.processed for camera in metrics.ledger.cameras] == [6, 6, 7]
    for record in records:
        if record.skipped is None:
            number = [left, right][record.camera == "right"].index(record.stamp_ns or 0)
            greys = (number, 100 + number) if record.camera == "left" else (50 + number, 101 + number)
            assert told(record.detections["detection"]) == greys


def test_a_bag_that_changed_since_its_frames_were_paired_is_refused(
    pipeline: PairPipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bag_plan, "FRAMES_PER_SEGMENT", 4)
    bag = write_shots(tmp_path / "bag", pair_of())
    with pytest.raises(KeyboardInterrupt):
        validate_run([bag], pipeline, tmp_path / "out", options=OPTIONS, progress=interrupt_after(2))
    table = tmp_path / "out" / ".partial" / "0.pairs"
    cells = np.fromfile(table, np.int64)
    cells[1] += 1  # the stamp of the first image
    cells.tofile(table)
    with pytest.raises(BagError, match="not what it was when its frames were paired"):
        validate_run([bag], pipeline, tmp_path / "out", options=OPTIONS)


def test_a_model_that_fails_on_a_set_ends_both_frames(tmp_path: Path, pipeline: PairPipeline) -> None:
    taken = pair_of()
    taken[2] = dataclasses.replace(taken[2], size=0)
    bag = write_shots(tmp_path / "bag", taken)
    metrics = validate_run([bag], pipeline, tmp_path / "out", options=OPTIONS)
    assert metrics.ledger.skipped == {DropReason.BAD_SIZE.value: 1, "unpaired": 1}
