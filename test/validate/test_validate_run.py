"""A validation run: every frame is accounted for, results are the pipeline's, and a run that was ended goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers.tiny_bag import LATENCY_NS, PERIOD_NS, START_NS
from helpers.validation_bag import (
    HEIGHT,
    SCORE,
    WIDTH,
    TinyPipeline,
    frame_of,
    random_mask,
    scene_messages,
    write_scene_bag,
)

from trt_perception import BagError, InputError
from trt_perception.bag.bag_reader import BagReader
from trt_perception.cdr import decode_detection_array, decode_label_info, parse_image
from trt_perception.detections import Detections
from trt_perception.segmentation_mask import SegmentationMask
from trt_perception.validate import bag_plan
from trt_perception.validate.frame_record import FrameRecord
from trt_perception.validate.run_folder import RunFolder
from trt_perception.validate.segment_pool import validation_pipeline
from trt_perception.validate.validate_run import validate_run
from trt_perception.validate.validation_options import ValidationOptions

pytest.importorskip("onnxruntime", reason="needs ONNX Runtime")
pytest.importorskip("pycocotools", reason="needs pycocotools")

RESULTS = ("metrics.json", "frames.jsonl", "missed.jsonl", "detections/detections.mcap", "detections/metadata.yaml")
OPTIONS = ValidationOptions(score=SCORE, floor=0.05)


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> TinyPipeline:
    return TinyPipeline(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scene_bag(tmp_path_factory.mktemp("bag") / "scene")


@pytest.fixture(scope="module")
def finished(scene: Path, pipeline: TinyPipeline, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("finished") / "out"
    validate_run([scene], pipeline, out, options=OPTIONS)
    return out


@pytest.fixture
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bag_plan, "FRAMES_PER_SEGMENT", 4)


def contents(out: Path) -> dict[str, bytes]:
    return {name: (out / name).read_bytes() for name in RESULTS}


def interrupt_after(count: int) -> Callable[[int, int], None]:
    def progress(done: int, total: int) -> None:
        if done == count:
            raise KeyboardInterrupt

    return progress


def test_every_frame_has_the_result_of_the_pipeline(finished: Path, pipeline: TinyPipeline) -> None:
    records = list(RunFolder(finished).frames())
    assert [(record.camera, record.condition) for record in records] == [
        (camera, "day" if index < 6 else "night") for index in range(12) for camera in ("front", "left")
    ]
    with validation_pipeline(pipeline, OPTIONS) as alone:
        for number, record in enumerate(records):
            key = 100 * (number % 2) + number // 2
            expected = alone.process([frame_of(key)]).heads["detection"]
            found = record.detections["detection"]
            assert isinstance(expected, Detections)
            assert np.array_equal(found.boxes, expected.boxes)
            assert np.array_equal(found.scores, expected.scores)
            assert np.array_equal(found.class_ids, expected.class_ids)
            assert record.stamp_ns == START_NS + number // 2 * PERIOD_NS + number % 2 * 1_000_000
            assert (record.width, record.height) == (WIDTH, HEIGHT)
    assert sum(len(record.detections["detection"]) for record in records) > 100


def test_the_bag_of_detections_has_the_source_headers(finished: Path, pipeline: TinyPipeline) -> None:
    reader = BagReader(finished / "detections" / "detections.mcap")
    assert {name: topic.message_count for name, topic in reader.topics.items()} == {
        f"/{camera}/{name}": count
        for camera in ("front", "left")
        for name, count in (
            ("detections", 12),
            ("segmentation", 12),
            ("detection/vision_info", 1),
            ("detection/label_info", 1),
            ("segmentation/vision_info", 1),
            ("segmentation/label_info", 1),
        )
    }
    labels = next(reader.messages(["/front/detection/label_info"]))
    assert decode_label_info(labels.data).class_map == {0: "class_0", 1: "class_1", 2: "class_2"}
    with validation_pipeline(pipeline, OPTIONS) as alone:
        for index, message in enumerate(reader.messages(["/left/detections"])):
            result = alone.process([frame_of(100 + index)]).heads["detection"]
            assert isinstance(result, Detections)
            array = decode_detection_array(message.data)
            stamp_ns = START_NS + index * PERIOD_NS + 1_000_000
            assert (array.stamp_ns, array.frame_id, message.log_time_ns) == (
                stamp_ns,
                "left_optical",
                stamp_ns + LATENCY_NS,
            )
            assert {(found.stamp_ns, found.frame_id) for found in array.detections} <= {(stamp_ns, "left_optical")}
            expected = result.select(result.scores >= SCORE)
            assert [found.results[0].score for found in array.detections] == pytest.approx(expected.scores.tolist())
        for index, message in enumerate(reader.messages(["/front/segmentation"])):
            mask = alone.process([frame_of(index)]).heads["segmentation"]
            image = parse_image(message.data)
            assert isinstance(mask, SegmentationMask)
            assert (image.encoding, image.frame_id, image.stamp_ns) == (
                "mono8",
                "front_optical",
                START_NS + index * PERIOD_NS,
            )
            assert np.array_equal(image.data.reshape(HEIGHT, WIDTH), mask.class_ids)


def test_two_runs_are_equal_byte_for_byte(
    finished: Path, scene: Path, pipeline: TinyPipeline, tmp_path: Path, short_segments: None
) -> None:
    validate_run([scene], pipeline, tmp_path / "out", options=OPTIONS)
    assert contents(tmp_path / "out") == contents(finished)
    assert not (tmp_path / "out" / ".partial").exists()


def test_several_processes_give_the_same_bytes(
    finished: Path, scene: Path, pipeline: TinyPipeline, tmp_path: Path, short_segments: None
) -> None:
    options = ValidationOptions(score=SCORE, floor=0.05, processes=2)
    seen: list[int] = []
    validate_run([scene], pipeline, tmp_path / "out", options=options, progress=lambda done, total: seen.append(done))
    assert contents(tmp_path / "out") == contents(finished)
    assert seen[-1] == 24


@pytest.mark.parametrize("after", [1, 9, 13, 24])
def test_an_interrupted_run_goes_on_and_gives_the_same_bytes(
    finished: Path, scene: Path, pipeline: TinyPipeline, tmp_path: Path, short_segments: None, after: int
) -> None:
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        validate_run([scene], pipeline, out, options=OPTIONS, progress=interrupt_after(after))
    assert not (out / "metrics.json").exists()
    first: list[int] = []
    validate_run([scene], pipeline, out, options=OPTIONS, progress=lambda done, total: first.append(done))
    assert contents(out) == contents(finished)
    assert first[-1] == 24


def test_what_is_done_is_not_done_again(pipeline: TinyPipeline, tmp_path: Path, short_segments: None) -> None:
    bag = write_scene_bag(tmp_path / "scene", scene_messages(count=60))
    with pytest.raises(KeyboardInterrupt):
        validate_run([bag], pipeline, tmp_path / "out", options=OPTIONS, progress=interrupt_after(119))
    starts: list[int] = []
    validate_run([bag], pipeline, tmp_path / "out", options=OPTIONS, progress=lambda done, total: starts.append(done))
    assert starts[0] >= 60  # all but the last two seconds, in which truth may still come
    assert RunFolder(tmp_path / "out").timings()["frames_of_earlier_runs"] == starts[0]


KILLED = """
import os, signal, sys
from pathlib import Path
from helpers.validation_bag import SCORE, TinyPipeline
from trt_perception.validate import bag_plan
from trt_perception.validate.validate_run import validate_run
from trt_perception.validate.validation_options import ValidationOptions
bag_plan.FRAMES_PER_SEGMENT = 4
def progress(done, total):
    if done == 90:
        os.kill(os.getpid(), signal.SIGKILL)
folder = Path(sys.argv[1])
options = ValidationOptions(score=SCORE, floor=0.05)
validate_run([folder / "scene"], TinyPipeline(folder), folder / "out", options=options, progress=progress)
"""


def test_a_killed_run_goes_on_and_gives_the_same_bytes(
    pipeline: TinyPipeline, tmp_path: Path, short_segments: None
) -> None:
    write_scene_bag(tmp_path / "scene", scene_messages(count=50))
    root = Path(__file__).resolve().parents[2]
    path = os.pathsep.join([str(root), str(root / "test"), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], env=environment, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert list((tmp_path / "out" / ".partial" / "0").glob("*.json"))
    validate_run([tmp_path / "scene"], TinyPipeline(tmp_path), tmp_path / "out", options=OPTIONS)
    validate_run([tmp_path / "scene"], TinyPipeline(tmp_path), tmp_path / "whole", options=OPTIONS)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_an_unfinished_run_of_something_else_is_not_continued(
    scene: Path, pipeline: TinyPipeline, tmp_path: Path, short_segments: None
) -> None:
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        validate_run([scene], pipeline, out, options=OPTIONS, progress=interrupt_after(3))
    other = ValidationOptions(score=0.2, floor=0.05)
    with pytest.raises(InputError, match="differs in header"):
        validate_run([scene], pipeline, out, options=other)
    replaced = ValidationOptions(score=0.2, floor=0.05, overwrite=True)
    assert validate_run([scene], pipeline, out, options=replaced).ledger.processed == 24


def test_a_damaged_segment_is_made_again(
    finished: Path, scene: Path, pipeline: TinyPipeline, tmp_path: Path, short_segments: None
) -> None:
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        validate_run([scene], pipeline, out, options=OPTIONS, progress=lambda done, total: None or stop_at_end(done))
    segments = sorted((out / ".partial" / "0").glob("*.json"))
    for segment in segments[:1]:
        segment.write_bytes(segment.read_bytes()[:50])
    validate_run([scene], pipeline, out, options=OPTIONS)
    assert contents(out) == contents(finished)


def stop_at_end(done: int) -> None:
    if done == 24:
        raise KeyboardInterrupt


def test_a_finished_run_is_not_overwritten_unasked(finished: Path, scene: Path, pipeline: TinyPipeline) -> None:
    before = contents(finished)
    with pytest.raises(InputError, match="a finished validation is there"):
        validate_run([scene], pipeline, finished, options=OPTIONS)
    assert contents(finished) == before


def test_two_runs_cannot_write_one_folder(scene: Path, pipeline: TinyPipeline, tmp_path: Path) -> None:
    out = tmp_path / "out"

    def again(done: int, total: int) -> None:
        if done == 5:
            with pytest.raises(InputError, match="another run writes it"):
                validate_run([scene], pipeline, out, options=OPTIONS)

    validate_run([scene], pipeline, out, options=OPTIONS, progress=again)


def test_only_the_chosen_cameras_are_run(scene: Path, pipeline: TinyPipeline, tmp_path: Path) -> None:
    options = ValidationOptions(score=SCORE, cameras=("left",))
    metrics = validate_run([scene], pipeline, tmp_path / "out", options=options)
    assert [(camera.camera, camera.frames) for camera in metrics.ledger.cameras] == [("left", 12)]
    with pytest.raises(BagError, match="expected camera rear; it has front, left"):
        validate_run([scene], pipeline, tmp_path / "other", options=ValidationOptions(cameras=("rear",)))


def test_truth_that_is_logged_late_or_in_the_next_segment_finds_its_frame(
    finished: Path, pipeline: TinyPipeline, tmp_path: Path, short_segments: None
) -> None:
    bag = write_scene_bag(tmp_path / "scene", scene_messages(truth_delay_ns=650_000_000))
    validate_run([bag], pipeline, tmp_path / "out", options=OPTIONS)
    late, soon = (RunFolder(folder).metrics() for folder in (tmp_path / "out", finished))
    assert late.detection == soon.detection
    assert late.masks == soon.masks
    assert late.ledger == soon.ledger


def test_without_truth_there_are_frames_and_no_figures(pipeline: TinyPipeline, tmp_path: Path) -> None:
    bag = write_scene_bag(tmp_path / "scene", scene_messages(truth=False, conditions=()))
    metrics = validate_run([bag], pipeline, tmp_path / "out", options=OPTIONS)
    everything = metrics.detection["detection"].all
    assert (metrics.truth, everything.frames, everything.images, everything.map50) == ("none", 24, 0, None)
    assert everything.detections > 0
    assert metrics.masks["segmentation"].all.miou is None
    assert metrics.warnings == ()
    assert all(
        isinstance(record, FrameRecord) and record.truth is None for record in RunFolder(tmp_path / "out").frames()
    )


def test_masks_are_measured_as_a_reference_in_numpy_does(finished: Path, pipeline: TinyPipeline) -> None:
    hit, union = np.zeros(4), np.zeros(4)
    with validation_pipeline(pipeline, OPTIONS) as alone:
        for key in [100 * camera + index for camera in range(2) for index in range(12)]:
            mask = alone.process([frame_of(key)]).heads["segmentation"]
            assert isinstance(mask, SegmentationMask)
            truth = random_mask(key)
            found = np.where(truth == 255, 255, mask.class_ids)
            for class_id in range(4):
                hit[class_id] += np.sum((found == class_id) & (truth == class_id))
                union[class_id] += np.sum((found == class_id) | (truth == class_id))
    measured = RunFolder(finished).metrics().masks["segmentation"].all
    assert list(measured.iou.values()) == pytest.approx((hit / union).tolist(), abs=1e-12)
    assert measured.miou == pytest.approx(np.mean(hit / union), abs=1e-12)


def test_bags_in_any_order_give_the_same_bytes(pipeline: TinyPipeline, tmp_path: Path) -> None:
    one = write_scene_bag(tmp_path / "one", scene_messages(count=4))
    two = write_scene_bag(tmp_path / "two", scene_messages(count=4, first=50))
    validate_run([one, two], pipeline, tmp_path / "forth", options=OPTIONS)
    validate_run([two, one], pipeline, tmp_path / "back", options=OPTIONS)
    assert contents(tmp_path / "forth") == contents(tmp_path / "back")
    assert [bag.name for bag in RunFolder(tmp_path / "back").metrics().bags] == ["one", "two"]
    with pytest.raises(InputError, match="given twice"):
        validate_run([one, one], pipeline, tmp_path / "double", options=OPTIONS)


def test_a_bag_in_sqlite_gives_the_same_bytes(finished: Path, pipeline: TinyPipeline, tmp_path: Path) -> None:
    bag = write_scene_bag(tmp_path / "scene", storage="sqlite3")
    validate_run([bag], pipeline, tmp_path / "out", options=OPTIONS)
    assert contents(tmp_path / "out") == contents(finished)


def test_another_reader_of_mcap_opens_the_detections(finished: Path) -> None:
    reader_module = pytest.importorskip("mcap.reader", reason="needs the mcap package")
    with (finished / "detections" / "detections.mcap").open("rb") as file:
        reader = reader_module.make_reader(file, validate_crcs=True)
        counts = reader.get_summary().statistics.channel_message_counts
        messages = [(schema.name, channel.topic) for schema, channel, _ in reader.iter_messages()]
        encodings = {schema.encoding for schema in reader.get_summary().schemas.values()}
    assert sum(counts.values()) == len(messages) == 24 * 2 + 8
    assert ("vision_msgs/msg/Detection2DArray", "/front/detections") in messages
    assert encodings == {"ros2msg"}
