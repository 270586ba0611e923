"""Damaged bags, folders and records: a clear error that names them; never a wrong number."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.damaged_run import FRONT, OPTIONS, messages, run
from helpers.tiny_bag import write_messages
from helpers.validation_bag import TinyPipeline, scene_messages, write_scene_bag

from trt_perception import BagError, InputError
from trt_perception.bag.bag_topic import BagMessage
from trt_perception.bag.bag_writer_options import BagWriterOptions
from trt_perception.cdr import (
    IMAGE_TYPE,
)
from trt_perception.validate import bag_plan
from trt_perception.validate.frame_record import FrameRecord
from trt_perception.validate.run_folder import RunFolder
from trt_perception.validate.validate_run import validate_run

pytest.importorskip("onnxruntime", reason="needs ONNX Runtime")
pytest.importorskip("pycocotools", reason="needs pycocotools")


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> TinyPipeline:
    return TinyPipeline(tmp_path_factory.mktemp("model"))


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
