"""Gates: what holds, what fails, what cannot be judged; and the default ones against models harmed on purpose."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

import jsonschema
import pytest
import yaml
from helpers.validation_records import Found, make_record, make_run

from trt_perception.errors import ConfigError, GateError
from trt_perception.validate.drift import Drift
from trt_perception.validate.frame_record import FrameRecord
from trt_perception.validate.gate_options import AbsoluteGates, BaselineGates, GateOptions, MissingPolicy, load_gates
from trt_perception.validate.gate_outcome import GateOutcome, GateStatus
from trt_perception.validate.gates import judge
from trt_perception.validate.judge_run import Verdict
from trt_perception.validate.measure_drift import measure_drift
from trt_perception.validate.run_folder import RunFolder

pytest.importorskip("pycocotools", reason="needs pycocotools")

ROOT = Path(__file__).resolve().parents[2]
CAR = [10.0, 10.0, 60.0, 50.0]
TRUCK = [100.0, 20.0, 220.0, 140.0]
TRUTH = [(CAR, "car"), (TRUCK, "truck")]
BOTH: Found = [(CAR, 0.9, 0), (TRUCK, 0.8, 1)]
COUNT = 20
NO_GATES = AbsoluteGates(max_skipped_share=None)


def run_of(folder: Path, found: Found = BOTH, *, truth: bool = True, count: int = COUNT, **more: object) -> RunFolder:
    return make_run(folder, [frame(index, found, truth=truth, **more) for index in range(count)])


def frame(index: int, found: Found = BOTH, *, truth: bool = True, **more: object) -> FrameRecord:
    return make_record(index, found, TRUTH if truth else None, **more)  # type: ignore[arg-type]


def by_status(outcomes: tuple[GateOutcome, ...]) -> Mapping[GateStatus, set[str]]:
    return {
        status: {outcome.gate.partition(".")[2] for outcome in outcomes if outcome.status is status}
        for status in GateStatus
    }


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return run_of(tmp_path_factory.mktemp("runs") / "good")


@pytest.mark.parametrize(
    ("gate", "holds", "fails"),
    [
        pytest.param("min_map50", 0.5, 0.51, id="map50"),
        pytest.param("min_map50_95", 0.5, 0.51, id="map50_95"),
        pytest.param("min_recall", 0.5, 0.51, id="recall"),
        pytest.param("min_precision", 0.5, 0.51, id="precision"),
        pytest.param("min_class_map50", {"car": 1.0}, {"truck": 0.01}, id="class"),
        pytest.param("min_condition_map50", {"night": 0.5}, {"night": 0.51}, id="condition"),
        pytest.param("min_miou", 0.85, 0.95, id="miou"),
        pytest.param("max_skipped_share", 0.0, None, id="skipped"),
        pytest.param("max_p99_ms", 41.5, 41.4, id="p99"),
    ],
)
def test_an_absolute_gate_holds_at_its_limit_and_fails_beyond(
    gate: str, holds: object, fails: object, tmp_path: Path
) -> None:
    # The car is found, the truck is not, and as many detections are false: half of everything.
    found: Found = [(CAR, 0.9, 0), ([300.0, 10.0, 340.0, 50.0], 0.5, 1)]
    metrics = run_of(tmp_path / "run", found, condition="night", road=(90, 10, 0)).metrics()
    for limit, expected in ((holds, GateStatus.HELD), (fails, GateStatus.FAILED)):
        if limit is None:
            continue
        options = GateOptions(absolute=dataclasses.replace(NO_GATES, **{gate: limit}))
        (outcome,) = [o for o in judge(options, metrics, p99_ms=41.5) if o.gate == f"absolute.{gate}"]
        assert outcome.status is expected, str(outcome)


@pytest.mark.parametrize(
    ("policy", "status"),
    [
        pytest.param(MissingPolicy.NOT_APPLICABLE, GateStatus.NOT_APPLICABLE, id="not_applicable"),
        pytest.param(MissingPolicy.FAIL, GateStatus.FAILED, id="fail"),
    ],
)
def test_a_gate_without_a_figure_follows_the_policy(policy: MissingPolicy, status: GateStatus, tmp_path: Path) -> None:
    gates = AbsoluteGates(
        min_map50=0.5, min_miou=0.5, min_class_map50={"tram": 0.5}, max_p99_ms=10, max_skipped_share=0
    )
    outcomes = judge(GateOptions(missing=policy, absolute=gates), run_of(tmp_path / "run", truth=False).metrics())
    assert by_status(tuple(o for o in outcomes if o.gate.startswith("absolute")))[status] == {
        "min_map50", "min_miou", "min_class_map50", "max_p99_ms",
    }  # fmt: skip
    assert all(outcome.reason for outcome in outcomes)


def test_without_a_baseline_its_gates_are_not_applicable_whatever_the_policy(good: RunFolder) -> None:
    outcomes = judge(GateOptions(missing=MissingPolicy.FAIL), good.metrics())
    assert by_status(outcomes)[GateStatus.FAILED] == set()
    assert "max_map50_loss_points" in by_status(outcomes)[GateStatus.NOT_APPLICABLE]


def drift_of(here: RunFolder, baseline: RunFolder) -> Drift:
    return measure_drift(here, baseline)


def test_a_run_against_itself_holds_every_gate(good: RunFolder) -> None:
    outcomes = judge(load_gates(), good.metrics(), drift=drift_of(good, good))
    assert by_status(outcomes)[GateStatus.FAILED] == set()
    assert by_status(outcomes)[GateStatus.NOT_APPLICABLE] == {"max_miou_loss_points"}


FALSE = [300.0, 10.0, 340.0, 50.0]
MOVED = [26.0, 10.0, 76.0, 50.0]


@pytest.mark.parametrize(
    ("found", "truth", "failed"),
    [
        pytest.param(
            [(CAR, 0.9, 0)], True,
            {"max_map50_loss_points", "max_map50_95_loss_points", "max_class_map50_loss_points",
             "max_camera_map50_loss_points", "max_count_change", "min_agreement"},
            id="class_lost",
        ),
        pytest.param(
            [(MOVED, 0.9, 0), (TRUCK, 0.8, 1)], True, {"max_map50_95_loss_points", "min_box_iou"}, id="boxes_moved"
        ),
        pytest.param([(CAR, 0.5, 0), (TRUCK, 0.4, 1)], True, {"max_score_change"}, id="scores_fallen"),
        pytest.param(
            [*BOTH, (FALSE, 0.31, 0)], False, {"max_count_change", "min_agreement"}, id="more_found_without_truth"
        ),
        pytest.param([], False, {"max_count_change", "min_agreement"}, id="blind_without_truth"),
        pytest.param([(CAR, 0.9, 1), (TRUCK, 0.8, 0)], False, {"min_agreement"}, id="classes_swapped_without_truth"),
    ],
)  # fmt: skip
def test_each_kind_of_harm_fails_the_default_gates(found: Found, truth: bool, failed: set[str], tmp_path: Path) -> None:
    here = run_of(tmp_path / "here", found, truth=truth)
    baseline = run_of(tmp_path / "baseline", truth=truth)
    outcomes = judge(load_gates(), here.metrics(), drift=drift_of(here, baseline))
    assert by_status(outcomes)[GateStatus.FAILED] == failed


def test_a_loss_that_may_be_noise_holds_and_says_so(tmp_path: Path, good: RunFolder) -> None:
    records = [frame(index, [(CAR, 0.9, 0)] if index < 2 else BOTH) for index in range(COUNT)]
    outcomes = judge(load_gates(), good.metrics(), drift=drift_of(make_run(tmp_path / "here", records), good))
    (outcome,) = [o for o in outcomes if o.gate.endswith("max_map50_loss_points") and o.subject == "boxes"]
    assert outcome.value is not None
    assert outcome.value > outcome.limit
    assert outcome.low is not None
    assert outcome.low <= 0
    assert outcome.status is GateStatus.HELD
    assert "noise" in outcome.reason


def test_on_a_drive_too_short_to_know_noise_every_loss_counts(tmp_path: Path) -> None:
    here = make_run(tmp_path / "here", [frame(0, [(CAR, 0.9, 0)]), frame(1), frame(2)])
    baseline = run_of(tmp_path / "baseline", count=3)
    outcomes = judge(load_gates(), here.metrics(), drift=drift_of(here, baseline))
    assert "max_map50_loss_points" in by_status(outcomes)[GateStatus.FAILED]


def test_a_baseline_of_other_frames_never_passes(tmp_path: Path, good: RunFolder) -> None:
    other = make_run(tmp_path / "other", [frame(index + 1000) for index in range(COUNT)])
    outcomes = judge(load_gates(), other.metrics(), drift=drift_of(other, good))
    assert "max_unpaired_share" in by_status(outcomes)[GateStatus.FAILED]


def test_a_head_that_the_baseline_has_and_the_run_lost_fails(tmp_path: Path, good: RunFolder) -> None:
    baseline = run_of(tmp_path / "baseline", road=(90, 10, 0))
    drift = drift_of(good, baseline)
    assert by_status(judge(load_gates(), good.metrics(), drift=drift))[GateStatus.FAILED] == {"allow_lost_heads"}
    allowed = GateOptions(against_baseline=BaselineGates(allow_lost_heads=True))
    assert by_status(judge(allowed, good.metrics(), drift=drift))[GateStatus.FAILED] == set()


def test_the_default_file_is_the_default_of_the_options_and_fits_the_schema() -> None:
    assert dataclasses.replace(load_gates(), name="") == GateOptions()
    schema = json.loads((ROOT / "config" / "schema" / "gates.schema.json").read_text())
    jsonschema.validate(yaml.safe_load((ROOT / "config" / "gates" / "default.yaml").read_text()), schema)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("absolute: {min_map: 0.5}", "did you mean 'min_map50'", id="unknown_key"),
        pytest.param("absolute: {min_map50: 50}", "from 0 to 1", id="percent_for_share"),
        pytest.param("missing: skip", "'not_applicable', 'fail'", id="unknown_policy"),
        pytest.param("against_baseline: {max_map50_loss_points: yes}", "expected a number", id="text"),
        pytest.param("", "the file is empty", id="empty"),
    ],
)
def test_refuses_gates_that_cannot_be_meant(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "gates.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=words):
        load_gates(path)


def test_a_failed_verdict_is_an_error_that_names_the_gates() -> None:
    Verdict(passed=True, lines=(), failures=()).require(Path("out"))
    with pytest.raises(GateError, match=r"2 gates did not hold: a; b; look at out/report.html") as caught:
        Verdict(passed=False, lines=(), failures=("a", "b")).require(Path("out"))
    assert caught.value.exit_code == 1
