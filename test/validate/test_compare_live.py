"""Every frame of an offline run is compared, explained or named, whatever the live recording is like."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.live_answers import FRAMES, Answer, answers, records, skipped, stamp, write_answers, write_offline
from helpers.validation_records import make_record, make_run
from hypothesis import given
from hypothesis import strategies as st

from trt_perception.bag.bag_writer import BagWriter
from trt_perception.cdr import (
    DETECTION_ARRAY_TYPE,
    DetectionArrayMessage,
    DetectionRecord,
    decode_detection_array,
    encode_detection_array,
)
from trt_perception.errors import BagError, DropReason, GateError, InputError
from trt_perception.validate.compare_live import compare_live
from trt_perception.validate.frame_record import FrameRecord
from trt_perception.validate.live_comparison import LiveComparison, ProblemKind
from trt_perception.validate.live_drops import LiveDrops
from trt_perception.validate.live_frames import UNUSABLE, LiveFrames
from trt_perception.validate.live_tolerance import LiveTolerance
from trt_perception.validate.live_topic import live_topics
from trt_perception.validate.run_folder import RunFolder

TOPICS = {f"/{camera}/detections": DETECTION_ARRAY_TYPE for camera in ("front", "left")}


def compare(tmp_path: Path, live: Iterable[Answer], **more: object) -> LiveComparison:
    offline = tmp_path / "offline"
    if not offline.exists():
        write_offline(offline)
    recording = write_answers(tmp_path / "live", live, topics=TOPICS)
    return compare_live(recording, offline, **more)  # type: ignore[arg-type]


def kinds(comparison: LiveComparison) -> dict[str, int]:
    return Counter(problem.kind.value for problem in comparison.problems)


def of(camera: str, index: int) -> Callable[[Answer], bool]:
    return lambda answer: answer.camera == camera and answer.stamp_ns == stamp(index)


def changed(camera: str, index: int, **change: object) -> list[Answer]:
    """The answers with one of them changed."""
    hit = of(camera, index)
    return [replace(answer, **change) if hit(answer) else answer for answer in answers()]  # type: ignore[arg-type]


def without(camera: str, index: int) -> list[Answer]:
    return [answer for answer in answers() if not of(camera, index)(answer)]


def test_the_same_answers_agree_in_whatever_order_they_were_recorded(tmp_path: Path) -> None:
    comparison = compare(tmp_path, reversed(answers()))
    assert comparison.passed
    assert [(a.camera, a.frames, a.compared) for a in comparison.cameras] == [("front", 4, 4), ("left", 4, 4)]
    assert comparison.largest.boxes == 2 * 2 * FRAMES
    comparison.require()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({"found": [((14, 10, 54, 40), 0.8, 0), ((100, 20, 130, 60), 0.6, 1)]}, "moved", id="shifted_box"),
        pytest.param({"labels": ("bus", "truck")}, "label", id="other_label"),
        pytest.param({"frame_id": "lidar"}, "header", id="other_frame_id"),
        pytest.param({"stamp_ns": stamp(1) + 1}, "unexplained", id="stamp_off_by_a_nanosecond"),
        pytest.param({"stamp_ns": stamp(2)}, "twice", id="stamp_of_another_frame"),
    ],
)
def test_one_changed_answer_is_found(tmp_path: Path, change: dict[str, object], expected: str) -> None:
    comparison = compare(tmp_path, changed("left", 1, **change))
    (problem,) = [problem for problem in comparison.problems if problem.kind.value == expected]
    assert (problem.camera, problem.stamp_ns) == ("left", stamp(2 if expected == "twice" else 1))
    assert comparison.cameras[0].differing == 0
    with pytest.raises(GateError, match=f"{expected} 1"):
        comparison.require()


def test_a_frame_that_the_node_dropped_is_listed_and_no_problem(tmp_path: Path) -> None:
    drops = LiveDrops(reasons={("front", stamp(2)): DropReason.REPLACED})
    comparison = compare(tmp_path, without("front", 2), drops=drops)
    assert comparison.passed
    (frame,) = comparison.dropped
    assert (frame.camera, frame.stamp_ns, frame.reason) == ("front", stamp(2), DropReason.REPLACED)
    assert comparison.cameras[0].dropped == {"replaced": 1}
    assert comparison.cameras[0].compared == FRAMES - 1


@pytest.mark.parametrize("reason", sorted(UNUSABLE), ids=lambda reason: reason.value)
def test_a_frame_that_only_the_node_could_not_use_is_a_problem(tmp_path: Path, reason: DropReason) -> None:
    comparison = compare(tmp_path, without("front", 2), drops=LiveDrops(reasons={("front", stamp(2)): reason}))
    assert kinds(comparison) == {"dropped_as_unusable": 1}
    assert len(comparison.dropped) == 1


def test_a_frame_without_an_explanation_is_a_problem(tmp_path: Path) -> None:
    comparison = compare(tmp_path, without("front", 2), drops=LiveDrops(reasons={("left", stamp(2)): DropReason.LATE}))
    assert kinds(comparison) == {"unexplained": 1}
    assert comparison.cameras[0].unanswered == 1
    assert any("play slower" in warning for warning in comparison.warnings)
    assert any("were answered" in warning for warning in comparison.warnings)


def test_a_frame_that_was_not_sent_is_excused_by_the_ledger(tmp_path: Path) -> None:
    sent = {f"/{camera}/image_raw": {stamp(index) for index in range(FRAMES)} for camera in ("front", "left")}
    sent["/front/image_raw"].remove(stamp(3))
    comparison = compare(tmp_path, without("front", 3), played=sent)
    assert comparison.passed
    assert comparison.cameras[0].not_played == 1


def test_a_frame_that_only_the_live_node_has_is_a_problem(tmp_path: Path) -> None:
    comparison = compare(tmp_path, [*answers(), Answer(camera="front", stamp_ns=stamp(9))])
    assert kinds(comparison) == {"not_in_run": 1}


def test_a_drop_of_another_replay_is_a_problem(tmp_path: Path) -> None:
    drops = LiveDrops(reasons={("front", stamp(9)): DropReason.REPLACED, ("roof", stamp(9)): DropReason.REPLACED})
    assert kinds(compare(tmp_path, answers(), drops=drops)) == {"not_in_run": 1}


def test_skipped_on_both_sides_is_no_problem_and_on_one_side_is(tmp_path: Path) -> None:
    frames = [record for record in records() if (record.camera, record.stamp_ns) != ("front", stamp(0))]
    write_offline(tmp_path / "offline", [*frames, skipped("front", 0, DropReason.CORRUPT_IMAGE)])
    drops = LiveDrops(reasons={("front", stamp(0)): DropReason.CORRUPT_IMAGE})
    both = compare(tmp_path, without("front", 0), drops=drops)
    assert both.passed
    assert both.cameras[0].skipped == {"corrupt_image": 1}
    (tmp_path / "live").rename(tmp_path / "first")
    assert kinds(compare(tmp_path, answers())) == {"skipped_offline": 1}


def test_a_stamp_that_the_bag_has_twice_is_answered_once_on_both_sides(tmp_path: Path) -> None:
    write_offline(tmp_path / "offline", [*records(), skipped("front", 1, DropReason.DUPLICATE)])
    drops = LiveDrops(reasons={("front", stamp(1)): DropReason.DUPLICATE})
    comparison = compare(tmp_path, answers(), drops=drops)
    assert comparison.passed
    assert comparison.warnings == ()
    assert comparison.cameras[0].frames == FRAMES + 1


def test_a_camera_that_is_not_recorded_is_one_problem(tmp_path: Path) -> None:
    write_offline(tmp_path / "offline")
    recording = write_answers(tmp_path / "live", answers(["front"]))
    comparison = compare_live(recording, tmp_path / "offline")
    assert kinds(comparison) == {"no_topic": 1}
    assert "the recording has no topic /left/detections" in comparison.problems[0].text
    assert comparison.cameras[1].unanswered == FRAMES
    assert compare_live(recording, tmp_path / "offline", cameras=["front"]).passed


def test_a_camera_that_the_node_does_not_have_is_one_problem(tmp_path: Path) -> None:
    write_offline(tmp_path / "offline")
    topics = [t for t in live_topics(RunFolder(tmp_path / "offline").header()) if t.camera == "front"]
    recording = write_answers(tmp_path / "live", answers(["front"]))
    comparison = compare_live(recording, tmp_path / "offline", topics=topics)
    assert kinds(comparison) == {"no_topic": 1}
    assert comparison.problems[0].camera == "left"


@pytest.mark.parametrize("topics", [pytest.param(TOPICS, id="no_message"), pytest.param({}, id="no_topic")])
def test_an_empty_recording_is_no_agreement(tmp_path: Path, topics: dict[str, str]) -> None:
    write_offline(tmp_path / "offline")
    recording = write_answers(tmp_path / "live", [], topics=topics)
    drops = LiveDrops(reasons={(c, stamp(i)): DropReason.NO_LISTENER for c in ("front", "left") for i in range(FRAMES)})
    comparison = compare_live(recording, tmp_path / "offline", drops=drops)
    assert kinds(comparison)["nothing_compared"] == 1
    assert len(comparison.dropped) == 2 * FRAMES


def test_masks_are_compared_and_a_missing_one_is_named(tmp_path: Path) -> None:
    offline = write_offline(tmp_path / "offline", masks=True)
    mask = np.zeros((48, 64), np.uint8)
    mask[:10] = 1
    live = [replace(a, mask=mask) if a.mask is not None and of("front", 0)(a) else a for a in answers(masks=True)]
    live = [a for a in live if a.mask is None or not of("left", 3)(a)]
    comparison = compare_live(write_answers(tmp_path / "live", live), offline)
    assert [(p.kind, p.camera, p.stamp_ns) for p in comparison.problems] == [
        (ProblemKind.MASK, "front", stamp(0)),
        (ProblemKind.NO_HEAD, "left", stamp(3)),
    ]


def test_a_head_that_was_not_recorded_at_all_is_told(tmp_path: Path) -> None:
    offline = write_offline(tmp_path / "offline", masks=True)
    comparison = compare_live(write_answers(tmp_path / "live", answers()), offline)
    assert comparison.passed
    assert len([warning for warning in comparison.warnings if "head road was not recorded" in warning]) == 2


def test_a_detection_with_a_header_of_its_own_is_named(tmp_path: Path) -> None:
    write_offline(tmp_path / "offline")
    with BagWriter(tmp_path / "live") as writer:
        for topic, kind in TOPICS.items():
            writer.add_topic(topic, kind)
        for index, answer in enumerate(answers()):
            data = answer.data
            if index == 0:
                message = decode_detection_array(data)
                first = replace(message.detections[0], stamp_ns=message.stamp_ns + 1)
                data = encode_detection_array(replace(message, detections=(first, *message.detections[1:])))
            writer.write(answer.topic, data, log_time_ns=index)
    comparison = compare_live(tmp_path / "live", tmp_path / "offline")
    assert [problem.text for problem in comparison.problems] == [
        "1 detections live whose header is not that of their array"
    ]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: data[:6], id="cut_off_in_the_header"),
        pytest.param(lambda data: data[:100], id="cut_off_in_a_detection"),
        pytest.param(lambda data: encode_detection_array(_with_box(data, center_x=float("nan"))), id="not_finite"),
        pytest.param(lambda data: encode_detection_array(_with_box(data, results=())), id="no_result"),
    ],
)
def test_a_damaged_message_is_a_problem_not_the_end(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    write_offline(tmp_path / "offline")
    with BagWriter(tmp_path / "live") as writer:
        for topic, kind in TOPICS.items():
            writer.add_topic(topic, kind)
        for index, answer in enumerate(answers()):
            writer.write(answer.topic, damage(answer.data) if index == 0 else answer.data, log_time_ns=index)
    comparison = compare_live(tmp_path / "live", tmp_path / "offline")
    assert kinds(comparison)["damaged"] == 1
    assert sum(account.compared for account in comparison.cameras) >= 2 * FRAMES - 1


def _with_box(data: bytes, **change: object) -> DetectionArrayMessage:
    message = decode_detection_array(data)
    box: DetectionRecord = replace(message.detections[0], **change)  # type: ignore[arg-type]
    return replace(message, detections=(box,))


def test_a_namespace_is_put_before_the_topics(tmp_path: Path) -> None:
    offline = write_offline(tmp_path / "offline")
    recording = write_answers(tmp_path / "live", answers(), prefix="/car/perception")
    header = RunFolder(offline).header()
    assert compare_live(recording, offline, topics=live_topics(header, namespace="/car/perception/")).passed
    assert not compare_live(recording, offline, topics=live_topics(header)).passed


def test_renamed_classes_and_cameras_and_those_left_out_are_the_same(tmp_path: Path) -> None:
    offline = write_offline(tmp_path / "offline")
    boxes = [((10.0, 10.0, 50.0, 40.0), 0.8, 0)]
    live = [
        replace(answer, camera=f"cam_{answer.camera}", labels=("vehicle",), found=boxes)
        for answer in answers()
        if not of("front", 2)(answer)
    ]
    topics = [
        replace(
            topic,
            live=topic.live.replace("/", "/cam_", 1),
            live_camera=f"cam_{topic.camera}",
            published={"car": "vehicle", "truck": None},
        )
        for topic in live_topics(RunFolder(offline).header())
    ]
    drops = LiveDrops(reasons={("cam_front", stamp(2)): DropReason.STALE})
    comparison = compare_live(write_answers(tmp_path / "live", live), offline, topics=topics, drops=drops)
    assert comparison.passed
    assert [frame.camera for frame in comparison.dropped] == ["front"]
    assert comparison.largest.boxes == 2 * FRAMES - 1


def test_classes_left_out_of_masks_are_the_same(tmp_path: Path) -> None:
    offline = write_offline(tmp_path / "offline", masks=True)
    mask = np.full((48, 64), 255, np.uint8)
    live = [answer if answer.mask is None else replace(answer, mask=mask) for answer in answers(masks=True)]
    recording = write_answers(tmp_path / "live", live)
    topics = live_topics(RunFolder(offline).header())
    assert kinds(compare_live(recording, offline, topics=topics)) == {"mask": 2 * FRAMES}
    assert compare_live(recording, offline, topics=[replace(topic, hidden=(0,)) for topic in topics]).passed


def test_the_tolerance_is_kept_in_the_result(tmp_path: Path) -> None:
    live = changed("left", 1, found=[((14, 10, 54, 40), 0.8, 0), ((100, 20, 130, 60), 0.6, 1)])
    comparison = compare(tmp_path, live, tolerance=LiveTolerance(pixels=4.0))
    assert comparison.passed
    assert comparison.largest.pixels == pytest.approx(4.0)
    plain = json.loads(json.dumps(comparison.to_plain()))
    assert (plain["passed"], plain["tolerance"]["pixels"], plain["cameras"][1]["compared"]) == (True, 4.0, FRAMES)


def test_refuses_what_cannot_be_compared(tmp_path: Path) -> None:
    offline = write_offline(tmp_path / "offline")
    recording = write_answers(tmp_path / "live", answers())
    with pytest.raises(InputError, match="no camera roof; the run has front, left"):
        compare_live(recording, offline, cameras=["roof"])
    with pytest.raises(BagError, match="nowhere"):
        compare_live(tmp_path / "nowhere", offline)
    with pytest.raises(InputError, match="finished validation"):
        compare_live(recording, tmp_path)
    make_run(tmp_path / "two", [make_record(0, bag="a"), make_record(1, bag="b")])
    with pytest.raises(InputError, match=r"expected a run of one bag, .* got 2"):
        compare_live(recording, tmp_path / "two")
    other = write_answers(tmp_path / "other", [], topics={"/front/detections": "sensor_msgs/msg/Image"})
    with pytest.raises(BagError, match=f"expected {DETECTION_ARRAY_TYPE}, got sensor_msgs/msg/Image"):
        compare_live(other, offline)


fates = st.lists(
    st.tuples(
        st.booleans(),
        st.one_of(st.none(), st.sampled_from(list(DropReason))),
        st.sampled_from(["offline", "skipped", "absent"]),
        st.booleans(),
    ),
    max_size=12,
)


@given(fates)
def test_every_frame_has_one_fate_and_the_sums_close(
    given_fates: list[tuple[bool, DropReason | None, str, bool]],
) -> None:
    numbered = list(enumerate(given_fates))
    frames = LiveFrames(
        "front",
        answered={stamp(i): {"boxes"} for i, (is_answered, *_) in numbered if is_answered},
        drops={stamp(i): drop for i, (_, drop, *_) in numbered if drop is not None},
        played={stamp(i) for i, (*_, is_played) in numbered if is_played},
        heads=["boxes"],
    )
    offline: list[FrameRecord] = []
    for index, (_, _, side, _) in numbered:
        if side != "absent":
            reason = DropReason.CORRUPT_IMAGE if side == "skipped" else None
            offline.append(make_record(index, skipped=reason))
    for record in offline:
        frames.add(record)
    problems = {problem.stamp_ns for problem in frames.judge()}
    account = frames.account(differing=0)
    assert account.frames == len(offline)
    excused = {
        stamp(i)
        for i, (is_answered, drop, side, is_played) in numbered
        if (side == "offline" and (is_answered or (not is_played if drop is None else drop not in UNUSABLE)))
        or (side == "skipped" and not is_answered)
        or (side == "absent" and not is_answered and drop is None)
    }
    assert problems == {stamp(i) for i, _ in numbered} - excused
