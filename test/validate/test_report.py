"""The report of a run: figures, pictures, well-formed HTML that needs nothing beside it."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path

import cv2
import jsonschema
import numpy as np
import pytest
from helpers.html_page import HtmlPage, check_stands_alone
from helpers.tiny_bag import write_messages
from helpers.validation_records import Found, make_record, make_run, make_timings

from trt_perception.bag.bag_topic import BagMessage
from trt_perception.cdr import IMAGE_TYPE, encode_image
from trt_perception.errors import DropReason, InputError, MissingError
from trt_perception.validate.frame_pictures import frame_pictures
from trt_perception.validate.judge_run import check_judging, judge_run
from trt_perception.validate.report import read_report
from trt_perception.validate.worst_frames import against_truth, worst_frames

pytest.importorskip("jinja2", reason="needs Jinja2")
pytest.importorskip("pycocotools", reason="needs pycocotools")

ROOT = Path(__file__).resolve().parents[2]
CAR = [10.0, 10.0, 60.0, 50.0]
TRUCK = [100.0, 20.0, 220.0, 140.0]
FALSE = [230.0, 10.0, 300.0, 50.0]
TRUTH = [(CAR, "car"), (TRUCK, "truck")]
HOSTILE = "<script>alert('&\"x')</script>"


def write_bag(path: Path, count: int, *, topic: str = "/front/image_raw", lost: tuple[int, ...] = ()) -> Path:
    """The images of the frames that `make_record` makes."""
    image = np.full((160, 320, 3), 90, np.uint8)
    stamps = [(1000 + index) * 1_000_000_000 for index in range(count) if index not in lost]
    return write_messages(
        path,
        [
            BagMessage(
                topic=topic,
                type_name=IMAGE_TYPE,
                log_time_ns=stamp_ns,
                data=encode_image(image, stamp_ns=stamp_ns, frame_id="front", encoding="bgr8"),
            )
            for stamp_ns in stamps
        ],
    )


def found_in(index: int) -> Found:
    """Worse and worse: from second 3 on the truck is missed, and then something false is found, too."""
    return [(CAR, 0.9, 0), *([(TRUCK, 0.8, 1)] if index < 3 else []), *([(FALSE, 0.6, 0)] if index > 4 else [])]


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 8 frames, one of them skipped, against a better one."""
    folder = tmp_path_factory.mktemp("judged")
    records = [
        make_record(index, found_in(index), TRUTH, condition="rain", road=(90 - index, 5, 5)) for index in range(7)
    ]
    records.append(make_record(7, skipped=DropReason.CORRUPT_IMAGE))
    better = [make_record(index, found_in(0), TRUTH, road=(95, 0, 5)) for index in range(8)]
    run = make_run(folder / "run", records)
    baseline = make_run(folder / "baseline", better, model="older")
    judge_run(run.path, bags=[write_bag(folder / "drive", 8)], baseline=baseline.path)
    return run.path


def test_the_page_stands_alone_and_has_every_part(judged: Path) -> None:
    page = check_stands_alone((judged / "report.html").read_text("utf-8"))
    words = (
        "Failed, Gates, Every frame accounted for, Detections: boxes, Masks: road, Against the baseline, Worst frames"
    )
    for word in (*words.split(", "), "Times", "What was run", "1 corrupt_image", "rain"):
        assert word in page.text
    assert len(page.named("svg")) == 4  # precision by recall, classes, conditions, stages


def test_the_page_has_the_numbers_of_the_report(judged: Path) -> None:
    text = HtmlPage((judged / "report.html").read_text("utf-8")).text
    report = read_report(judged)
    head = report.metrics.detection["boxes"]
    assert report.drift is not None
    precision = report.drift.heads["boxes"].precision
    assert precision is not None
    assert head.all.map50 is not None
    assert precision.map50.value is not None
    for number in (
        f"{100 * head.all.map50:.2f}",
        f"{100 * (head.by_condition['rain'].recall or 0):.2f}",
        f"{100 * precision.map50.value:+.2f}",
        f"{100 * (report.metrics.masks['road'].all.miou or 0):.2f}",
        "41.50",
        "8.0",
        f"{report.metrics.ledger.processed} / {report.metrics.ledger.frames}",
    ):
        assert number in text
    for outcome in report.gates:
        assert outcome.gate in text
        assert outcome.reason in text


def test_the_report_for_machines_fits_its_schema_and_reads_back(judged: Path) -> None:
    content = json.loads((judged / "report.json").read_text("utf-8"))
    jsonschema.validate(content, json.loads((ROOT / "config" / "schema" / "report.schema.json").read_text()))
    report = read_report(judged / "report.json")
    assert report.to_plain() == content
    assert report.metrics.to_plain() == json.loads((judged / "metrics.json").read_text("utf-8"))
    assert not report.passed
    assert len(report.curves["boxes"]["car"]) == 101


def test_the_same_run_gives_the_same_report(judged: Path) -> None:
    before = [(judged / name).read_bytes() for name in ("report.json", "report.html")]
    judge_run(judged, bags=[judged.parent / "drive"], baseline=judged.parent / "baseline")
    assert [(judged / name).read_bytes() for name in ("report.json", "report.html")] == before


def test_the_worst_frames_come_first_with_their_pictures(judged: Path) -> None:
    report = read_report(judged)
    assert report.worst_by == "truth"
    assert [(frame.missed, frame.false_alarms) for frame in report.worst] == [
        (("truck",), ("car",)), (("truck",), ("car",)), (("truck",), ()), (("truck",), ()),
    ]  # fmt: skip
    images = HtmlPage((judged / "report.html").read_text("utf-8")).named("img")
    assert len(images) == 4
    data = base64.b64decode((images[0]["src"] or "").partition(",")[2])
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (160, 320, 3)
    changed = np.abs(picture.astype(int) - 90).max(axis=2) > 60
    assert changed[10:50, 230:300].any()  # the false alarm
    assert changed[20:140, 100].any()  # the missed truck's side
    assert not changed[145:, :].any()


def test_a_frame_without_picture_says_why(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", [make_record(index, [], TRUTH) for index in range(3)])
    judge_run(run.path, bags=[write_bag(tmp_path / "drive", 3, lost=(1,))])
    page = check_stands_alone((run.path / "report.html").read_text("utf-8"))
    assert len(page.named("img")) == 2
    assert "No picture: bag drive no longer has this frame" in page.text
    judge_run(run.path)
    page = check_stands_alone((run.path / "report.html").read_text("utf-8"))
    assert page.named("img") == []
    assert "No picture: bag drive is not at hand" in page.text


def test_pictures_are_bounded_in_number(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", [make_record(2 * index, [], TRUTH) for index in range(6)])
    judge_run(run.path, bags=[write_bag(tmp_path / "drive", 12)], pictures=2)
    assert len(HtmlPage((run.path / "report.html").read_text("utf-8")).named("img")) == 2


def test_without_truth_the_frames_that_differ_most_are_shown(tmp_path: Path) -> None:
    records = [make_record(index, [] if index == 4 else found_in(0)) for index in range(8)]
    run = make_run(tmp_path / "run", records, truth="none")
    baseline = make_run(tmp_path / "base", [make_record(index, found_in(0)) for index in range(8)], truth="none")
    judge_run(run.path, bags=[write_bag(tmp_path / "drive", 8)], baseline=baseline.path)
    report = read_report(run.path)
    assert report.worst_by == "baseline"
    assert [(frame.stamp_ns, frame.missed) for frame in report.worst] == [(1004 * 10**9, ("car", "truck"))]
    page = check_stands_alone((run.path / "report.html").read_text("utf-8"))
    assert "only in the baseline" in page.text


def test_with_neither_truth_nor_baseline_there_is_a_report(tmp_path: Path) -> None:
    records = [make_record(index, found_in(0)) for index in range(3)]
    run = make_run(tmp_path / "run", records, truth="none", timings=False)
    verdict = judge_run(run.path)
    assert verdict.passed
    page = check_stands_alone((run.path / "report.html").read_text("utf-8"))
    assert "nothing tells which frames are bad" in page.text
    assert read_report(run.path).times is None


def test_hostile_names_are_text(tmp_path: Path) -> None:
    labels = (HOSTILE, "truck")
    truth = [(CAR, HOSTILE), (TRUCK, "truck")]
    records = [
        make_record(index, [(TRUCK, 0.8, 1)], truth, camera=HOSTILE, bag=HOSTILE, condition=HOSTILE, labels=labels)
        for index in range(6)
    ]
    run = make_run(tmp_path / "run", records, model=HOSTILE, labels=labels)
    judge_run(run.path, baseline=make_run(tmp_path / "base", records, model=HOSTILE, labels=labels).path)
    page = check_stands_alone((run.path / "report.html").read_text("utf-8"))
    assert page.text.count(HOSTILE) > 10
    report = read_report(run.path)
    assert report.metrics.detection["boxes"].labels == labels


def test_times_with_a_histogram_are_drawn(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", [make_record(index, found_in(0)) for index in range(3)], truth="none")
    histogram = {"edges_ms": [0.0, 10.0, 20.0, 30.0], "counts": [1, 7, 0]}
    (run.path / "timings.json").write_text(json.dumps({**make_timings(), "histogram": histogram}))
    judge_run(run.path)
    page = check_stands_alone((run.path / "report.html").read_text("utf-8"))
    assert "Frames by their time" in page.text
    assert len(page.named("svg")) == 2


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        pytest.param("metrics.json", "{}", "expected the metrics.json of a validation", id="metrics"),
        pytest.param("frames.jsonl", "nonsense\n", "expected JSON", id="frames"),
        pytest.param("timings.json", '{"backend": 3}', "timings.json", id="timings"),
    ],
)
def test_a_damaged_run_is_refused(name: str, content: str, words: str, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", [make_record(index, found_in(0)) for index in range(2)])
    (run.path / name).write_text(content)
    with pytest.raises(InputError, match=words):
        judge_run(run.path)
    assert not (run.path / "report.html").exists()


def test_baseline_and_gates_are_looked_at_before_a_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected the folder of a finished validation"):
        check_judging(baseline=tmp_path)
    with pytest.raises(InputError, match="no such file"):
        check_judging(gates=tmp_path / "gates.yaml")
    check_judging()


def test_a_missing_package_is_named_before_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingError, match="Jinja2 is not installed; pip install"):
        check_judging()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param("[]", "expected the report.json", id="other_json"),
        pytest.param('{"kind": "trt_perception.report", "schema": 2}', "schema 2", id="newer"),
        pytest.param("{", "expected JSON", id="no_json"),
        pytest.param('{"kind": "trt_perception.report", "schema": 1, "passed": 1}', "passed", id="wrong_type"),
    ],
)
def test_refuses_what_is_no_report(content: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(content)
    with pytest.raises(InputError, match=words):
        read_report(tmp_path / "report.json")


def test_pictures_are_bounded_in_bytes(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", [make_record(2 * index, [], TRUTH) for index in range(4)])
    frames = worst_frames(against_truth(run.header(), run.frames()), 4)
    bags, topics = {"drive": write_bag(tmp_path / "drive", 8)}, {("drive", "front"): "/front/image_raw"}
    every = frame_pictures(frames, bags, topics)
    sizes = [len(picture.jpeg or b"") for picture in every]
    assert len(every) == 4
    assert min(sizes) > 1000
    assert len(frame_pictures(frames, bags, topics, max_bytes=sum(sizes[:3]))) == 3
    assert frame_pictures(frames, bags, topics, max_bytes=10) == ()
