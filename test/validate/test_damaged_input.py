"""Damaged bags and truth: a clear error, or a skip that is counted under its reason; never a wrong number."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.tiny_bag import START_NS, write_messages
from helpers.validation_bag import SCORE, TinyPipeline, image_of, scene_messages, write_scene_bag

from trt_perception import BagError, InputError
from trt_perception.bag.bag_topic import BagMessage
from trt_perception.bag.bag_writer_options import BagWriterOptions
from trt_perception.cdr import (
    COMPRESSED_IMAGE_TYPE,
    IMAGE_TYPE,
    encode_compressed_image,
    encode_image,
)
from trt_perception.validate import bag_plan
from trt_perception.validate.frame_record import FrameRecord
from trt_perception.validate.run_folder import RunFolder
from trt_perception.validate.validate_run import validate_run
from trt_perception.validate.validation_metrics import ValidationMetrics
from trt_perception.validate.validation_options import ValidationOptions

pytest.importorskip("onnxruntime", reason="needs ONNX Runtime")
pytest.importorskip("pycocotools", reason="needs pycocotools")

OPTIONS = ValidationOptions(score=SCORE)
FRONT = "/front/image_raw"
COUNT = 6
"""Frames of the camera front, the only one of these bags."""


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> TinyPipeline:
    return TinyPipeline(tmp_path_factory.mktemp("model"))


def messages(**options: Any) -> list[BagMessage]:
    return list(scene_messages(("front",), count=COUNT, **options))


def images(found: list[BagMessage]) -> list[int]:
    return [index for index, message in enumerate(found) if message.topic == FRONT]


def run(folder: Path, found: list[BagMessage], pipeline: TinyPipeline, *, storage: str = "mcap") -> ValidationMetrics:
    bag = write_scene_bag(folder / "bag", iter(found), storage=storage)
    return validate_run([bag], pipeline, folder / "out", options=OPTIONS)


Change = Callable[[bytes], bytes]


def cut_in_half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def cut_to_two_bytes(data: bytes) -> bytes:
    return data[:2]


def big_endian(data: bytes) -> bytes:
    return b"\x00\x00" + data[2:]


def unknown_encoding(data: bytes) -> bytes:
    return data.replace(b"bgr8", b"xyz8")


def depth(data: bytes) -> bytes:
    return data.replace(b"bgr8", b"32FC1"[:4])


def no_height(data: bytes) -> bytes:
    place = data.index(b"bgr8") - 12  # height, width, length of the encoding
    return data[:place] + bytes(4) + data[place + 4 :]


def too_wide(data: bytes) -> bytes:
    place = data.index(b"bgr8") - 8
    return data[:place] + (40_000).to_bytes(4, "little") + data[place + 4 :]


SKIPS = [
    (cut_in_half, "malformed"),
    (cut_to_two_bytes, "malformed"),
    (big_endian, "big_endian"),
    (unknown_encoding, "unknown_encoding"),
    (depth, "unknown_encoding"),
    (no_height, "bad_size"),
    (too_wide, "bad_size"),
]


@pytest.mark.parametrize(("change", "reason"), [pytest.param(*case, id=case[0].__name__) for case in SKIPS])
def test_an_unusable_image_is_a_skip_with_its_reason(
    tmp_path: Path, pipeline: TinyPipeline, change: Change, reason: str
) -> None:
    found = messages()
    damaged = images(found)[2]
    found[damaged] = replace(found[damaged], data=change(bytes(found[damaged].data)))
    metrics = run(tmp_path, found, pipeline)
    assert (metrics.ledger.frames, metrics.ledger.processed, metrics.ledger.skipped) == (COUNT, COUNT - 1, {reason: 1})
    assert metrics.detection["detection"].all.images == COUNT - 1
    skipped = [record for record in RunFolder(tmp_path / "out").frames() if record.skipped]
    assert [(record.log_time_ns, bool(record.problem)) for record in skipped] == [(found[damaged].log_time_ns, True)]


def compressed(found: list[BagMessage], files: list[bytes]) -> Iterator[BagMessage]:
    for index, file in enumerate(files):
        message = found[images(found)[index]]
        stamp_ns = message.log_time_ns
        data = encode_compressed_image(file, stamp_ns=stamp_ns, frame_id="front", format="bgr8; jpeg compressed bgr8")
        yield replace(message, topic=f"{FRONT}/compressed", type_name=COMPRESSED_IMAGE_TYPE, data=data)


def test_corrupt_pictures_are_skips_and_the_others_are_run(tmp_path: Path, pipeline: TinyPipeline) -> None:
    good = cv2.imencode(".jpg", image_of(0))[1].tobytes()
    files = [good, good[: len(good) // 2], b"", b"rubbish", good]
    metrics = run(tmp_path, list(compressed(messages(), files)), pipeline)
    assert metrics.ledger.processed == 2
    assert sum(metrics.ledger.skipped.values()) == 3
    assert set(metrics.ledger.skipped) <= {"corrupt_image", "unknown_encoding"}


def test_mixed_encodings_are_all_run(tmp_path: Path, pipeline: TinyPipeline) -> None:
    found = messages()
    for index, encoding in zip(images(found), ("rgb8", "mono8", "bgra8"), strict=False):
        image = image_of(0)
        pixels = {"rgb8": image, "mono8": image[..., 0], "bgra8": np.dstack([image, image[..., 0]])}[encoding]
        data = encode_image(pixels, stamp_ns=START_NS + index, frame_id="front", encoding=encoding)
        found[index] = replace(found[index], data=data)
    assert run(tmp_path, found, pipeline).ledger.processed == COUNT


def test_a_stamp_that_comes_again_is_a_duplicate_wherever_it_comes(
    tmp_path: Path, pipeline: TinyPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trt_perception.validate.bag_plan.FRAMES_PER_SEGMENT", 2)
    found = messages()
    first = found[images(found)[0]]
    again = [replace(first, log_time_ns=first.log_time_ns + delay) for delay in (1, 450_000_000, 2_900_000_000)]
    metrics = run(tmp_path, [*found, *again], pipeline)
    assert metrics.ledger.frames == COUNT + 3
    assert metrics.ledger.skipped == {"duplicate": 3}
    assert metrics.detection["detection"].all.images == COUNT


def test_images_out_of_order_are_run_and_sorted_by_stamp(tmp_path: Path, pipeline: TinyPipeline) -> None:
    found = messages()
    places = images(found)
    one, two = found[places[1]], found[places[3]]
    found[places[1]], found[places[3]] = replace(one, data=two.data), replace(two, data=one.data)
    metrics = run(tmp_path, found, pipeline)
    assert metrics.ledger.processed == COUNT
    assert metrics.detection["detection"].all.images == COUNT
    stamps = [record.stamp_ns for record in RunFolder(tmp_path / "out").frames()]
    assert stamps == sorted(stamps)


def test_true_images_without_frames_are_counted(tmp_path: Path, pipeline: TinyPipeline) -> None:
    found = messages()
    lost = images(found)[1:3]
    metrics = run(tmp_path, [message for index, message in enumerate(found) if index not in lost], pipeline)
    (camera,) = metrics.ledger.cameras
    assert (camera.frames, camera.with_truth, camera.truth_without_frame) == (COUNT - 2, COUNT - 2, 2)
    assert any("2 true images have no frame" in warning for warning in metrics.warnings)


def test_frames_without_truth_are_not_evaluated_and_said_so(tmp_path: Path, pipeline: TinyPipeline) -> None:
    found = [
        message
        for index, message in enumerate(messages(masks=False))
        if not (message.topic.endswith("detections") and index < 8)
    ]
    metrics = run(tmp_path, found, pipeline)
    everything = metrics.detection["detection"].all
    assert everything.frames == COUNT
    assert 0 < everything.images < COUNT
    assert any("have no truth and are not evaluated" in warning for warning in metrics.warnings)


def test_damaged_truth_is_no_truth(tmp_path: Path, pipeline: TinyPipeline) -> None:
    found = [
        replace(message, data=bytes(message.data)[:-3])
        if message.topic == "/front/ground_truth/detections"
        else message
        for message in messages(masks=False)
    ]
    everything = run(tmp_path, found, pipeline).detection["detection"].all
    assert (everything.frames, everything.images, everything.map50) == (COUNT, 0, None)


def test_true_classes_that_the_model_does_not_have_are_named(tmp_path: Path, pipeline: TinyPipeline) -> None:
    found = [
        replace(message, data=bytes(message.data).replace(b"class_1", b"tractor"))
        if message.topic == "/front/ground_truth/detections"
        else message
        for message in messages(masks=False)
    ]
    metrics = run(tmp_path, found, pipeline)
    assert any("tractor (" in warning for warning in metrics.warnings)
    assert metrics.detection["detection"].by_camera["front"].by_class["class_1"].objects == 0


def test_true_masks_without_names_of_their_ids_are_not_guessed(tmp_path: Path, pipeline: TinyPipeline) -> None:
    found = [message for message in messages() if not message.topic.endswith("label_info")]
    assert run(tmp_path, found, pipeline).masks["segmentation"].all.miou is None


def test_a_bag_of_unusable_images_alone_gives_no_figures(tmp_path: Path, pipeline: TinyPipeline) -> None:
    found = [replace(message, data=bytes(message.data)[:40]) for message in messages(truth=False, conditions=())]
    with pytest.raises(InputError, match=r"none of 6 frames could be processed \(malformed 6\)"):
        run(tmp_path, found, pipeline)
    assert not (tmp_path / "out" / "metrics.json").exists()


def no_messages(found: list[BagMessage]) -> list[BagMessage]:
    return []


def no_images(found: list[BagMessage]) -> list[BagMessage]:
    return [message for message in found if message.topic != FRONT]


def another_topic(found: list[BagMessage]) -> list[BagMessage]:
    return [replace(message, topic="/front/debug_image") if message.topic == FRONT else message for message in found]


@pytest.mark.parametrize("change", [no_messages, no_images, another_topic], ids=lambda change: change.__name__)
def test_a_bag_without_images_is_refused(
    tmp_path: Path, pipeline: TinyPipeline, change: Callable[[list[BagMessage]], list[BagMessage]]
) -> None:
    with pytest.raises(BagError, match=r"no topic of images|found none"):
        run(tmp_path, change(messages()), pipeline)


def test_video_packets_beside_images_are_named(
    tmp_path: Path, pipeline: TinyPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bag_plan, "VIDEO_TYPES", ("tf2_msgs/msg/TFMessage",))  # a type that the writer can write
    metrics = run(tmp_path, messages(), pipeline)
    assert any("/tf_static hold video packets, which are not read" in warning for warning in metrics.warnings)


def cut_file(bag: Path) -> None:
    file = next(bag.glob("*.mcap"))
    file.write_bytes(file.read_bytes()[:-200])


def drop_metadata_and_storage(bag: Path) -> None:
    for file in bag.iterdir():
        file.unlink()


def name_lost_file(bag: Path) -> None:
    next(bag.glob("*.mcap")).unlink()


def empty_file(bag: Path) -> None:
    next(bag.glob("*.mcap")).write_bytes(b"")


BAG_DAMAGES = [
    (cut_file, "truncated, or its recorder still runs"),
    (drop_metadata_and_storage, "it is no bag"),
    (name_lost_file, "which the folder lacks"),
    (empty_file, "is empty, 0 bytes"),
]


@pytest.mark.parametrize(("damage", "named"), [pytest.param(*case, id=case[0].__name__) for case in BAG_DAMAGES])
def test_a_damaged_bag_is_refused_before_anything_runs(
    tmp_path: Path, pipeline: TinyPipeline, damage: Callable[[Path], None], named: str
) -> None:
    bag = write_scene_bag(tmp_path / "bag")
    damage(bag)
    with pytest.raises(BagError, match=named):
        validate_run([bag], pipeline, tmp_path / "out", options=OPTIONS)
    assert not (tmp_path / "out").exists()


def test_a_bag_without_metadata_is_read_as_it_is(tmp_path: Path, pipeline: TinyPipeline) -> None:
    bag = write_scene_bag(tmp_path / "bag")
    (bag / "metadata.yaml").unlink()
    assert validate_run([bag], pipeline, tmp_path / "out", options=OPTIONS).ledger.processed == 24


def test_frames_that_the_bag_counts_and_does_not_hold_fail_the_run(
    tmp_path: Path, pipeline: TinyPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trt_perception.bag.bag_reader import BagReader

    whole = BagReader.messages

    def losing(self: BagReader, *arguments: Any, **options: Any) -> Iterator[BagMessage]:
        for index, message in enumerate(whole(self, *arguments, **options)):
            if not (self.path.name == "bag" and message.type_name == IMAGE_TYPE and index == 4):
                yield message

    monkeypatch.setattr(BagReader, "messages", losing)
    with pytest.raises(BagError, match=r"the bag counts 6 frames, 5 were read \(5 processed, 0 skipped\)"):
        run(tmp_path, messages(truth=False, conditions=()), pipeline)
    assert not (tmp_path / "out" / "metrics.json").exists()


def test_a_bag_that_another_process_still_writes_is_named(tmp_path: Path, pipeline: TinyPipeline) -> None:
    bag = write_scene_bag(tmp_path / "bag", storage="sqlite3")
    (bag / "bag.db3-wal").write_bytes(b"not yet")
    with pytest.raises(BagError, match="it is being written"):
        validate_run([bag], pipeline, tmp_path / "out", options=OPTIONS)


def test_a_full_disk_is_named_and_the_run_goes_on_later(
    tmp_path: Path, pipeline: TinyPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trt_perception.validate import segment_store

    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    bag = write_scene_bag(tmp_path / "bag", scene_messages(count=4))
    with monkeypatch.context() as patched:
        patched.setattr(segment_store, "write_atomically", full)
        with pytest.raises(InputError, match="No space left on device; free space, then run the same again"):
            validate_run([bag], pipeline, tmp_path / "out", options=OPTIONS)
    assert validate_run([bag], pipeline, tmp_path / "out", options=OPTIONS).ledger.processed == 8


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, pipeline: TinyPipeline) -> None:
    bag = write_scene_bag(tmp_path / "bag", scene_messages(count=2))
    (tmp_path / "out").write_text("a file")
    with pytest.raises(InputError, match="expected a folder for the results"):
        validate_run([bag], pipeline, tmp_path / "out", options=OPTIONS)


COCO: dict[str, Any] = {
    "categories": [{"id": 1, "name": "class_0"}],
    "images": [{"id": 1, "file_name": "a.png", "width": 64, "height": 48, "camera": "front", "stamp_ns": START_NS}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 10, 10], "area": 100, "iscrowd": 0}],
}


def with_coco(folder: Path, pipeline: TinyPipeline, content: object) -> ValidationMetrics:
    path = folder / "truth.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    bag = write_scene_bag(folder / "bag", iter(messages()))
    options = ValidationOptions(score=SCORE, truth=path, own_truth=False)
    return validate_run([bag], pipeline, folder / "out", options=options)


def test_truth_from_a_coco_file_is_found_by_camera_and_stamp(tmp_path: Path, pipeline: TinyPipeline) -> None:
    extra = {**COCO["images"][0], "id": 2, "stamp_ns": START_NS + 5}
    metrics = with_coco(tmp_path, pipeline, {**COCO, "images": [*COCO["images"], extra]})
    (camera,) = metrics.ledger.cameras
    assert (metrics.truth, camera.with_truth, camera.truth_without_frame) == ("coco", 1, 1)
    assert metrics.detection["detection"].all.objects == 1
    assert any("5 of 6 processed frames have no truth" in warning for warning in metrics.warnings)


BAD_TRUTH = [
    ("no json", "this is no JSON", "no_json"),
    ({**COCO, "images": [{**COCO["images"][0], "stamp_ns": 7}]}, "the truth fits none of 6 frames", "other_stamps"),
    ({**COCO, "images": [{**COCO["images"][0], "camera": "rear"}]}, "the truth fits none of 6", "other_cameras"),
    (
        {**COCO, "images": [{key: value for key, value in COCO["images"][0].items() if key != "stamp_ns"}]},
        "expected `camera` and `stamp_ns`",
        "no_stamps",
    ),
    ({**COCO, "images": [COCO["images"][0], {**COCO["images"][0], "id": 2}]}, "two images of stamp", "twice"),
    ({**COCO, "annotations": [{"image_id": 9}]}, "which is not listed", "object_of_no_image"),
]


@pytest.mark.parametrize(
    ("content", "named"), [pytest.param(content, named, id=name) for content, named, name in BAD_TRUTH]
)
def test_truth_that_cannot_be_used_is_an_error(
    tmp_path: Path, pipeline: TinyPipeline, content: object, named: str
) -> None:
    with pytest.raises(InputError, match=named):
        with_coco(tmp_path, pipeline, content)
    assert not (tmp_path / "out" / "metrics.json").exists()


def test_truth_from_a_second_bag_is_that_of_the_first(tmp_path: Path, pipeline: TinyPipeline) -> None:
    own = run(tmp_path, messages(), pipeline)
    bare = write_scene_bag(tmp_path / "bare", scene_messages(("front",), count=COUNT, truth=False))
    options = ValidationOptions(score=SCORE, truth=tmp_path / "bag", own_truth=False)
    other = validate_run([bare], pipeline, tmp_path / "other", options=options)
    assert (other.truth, other.detection, other.masks) == ("bag", own.detection, own.masks)


def test_the_detections_of_an_earlier_run_can_be_the_truth(tmp_path: Path, pipeline: TinyPipeline) -> None:
    run(tmp_path, messages(truth=False), pipeline)
    options = ValidationOptions(score=SCORE, truth=tmp_path / "out" / "detections", own_truth=False)
    metrics = validate_run([tmp_path / "bag"], pipeline, tmp_path / "again", options=options)
    everything = metrics.detection["detection"].all
    assert everything.objects > 0
    assert (everything.missed, everything.false_alarms, everything.map50) == (0, 0, pytest.approx(1.0))


def test_a_bag_without_truth_is_no_truth(tmp_path: Path, pipeline: TinyPipeline) -> None:
    bag = write_scene_bag(tmp_path / "bag", iter(messages(truth=False)))
    options = ValidationOptions(score=SCORE, truth=bag, own_truth=False)
    with pytest.raises(InputError, match="expected truth"):
        validate_run([bag], pipeline, tmp_path / "out", options=options)


def test_records_survive_being_written(tmp_path: Path, pipeline: TinyPipeline) -> None:
    run(tmp_path, messages(), pipeline)
    for record in RunFolder(tmp_path / "out").frames():
        again = FrameRecord.from_plain(json.loads(json.dumps(record.to_plain())))
        assert again.to_plain() == record.to_plain()


def test_a_damaged_result_is_named_with_its_line(tmp_path: Path, pipeline: TinyPipeline) -> None:
    run(tmp_path, messages(), pipeline)
    path = tmp_path / "out" / "frames.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:3], lines[3][:100] + "\n", *lines[4:]]))
    with pytest.raises(InputError, match=r"frames\.jsonl:4"):
        list(RunFolder(tmp_path / "out").frames())


def test_a_damaged_chunk_ends_the_run_and_keeps_what_was_done(tmp_path: Path, pipeline: TinyPipeline) -> None:
    found = list(scene_messages(("front",), count=300, masks=False))
    bag = write_messages(tmp_path / "bag", iter(found), BagWriterOptions(compression="chunk"))
    file = next(bag.glob("*.mcap"))
    data = bytearray(file.read_bytes())
    place = data.rindex(b"\x28\xb5\x2f\xfd")  # the last chunk
    data[place + 40 : place + 60] = bytes(20)
    file.write_bytes(data)
    with pytest.raises(BagError, match="cannot be read as a ROS 2 bag"):
        validate_run([bag], pipeline, tmp_path / "out", options=OPTIONS)
    assert list((tmp_path / "out" / ".partial" / "0").glob("*.json"))
    assert not (tmp_path / "out" / "metrics.json").exists()
