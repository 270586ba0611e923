"""Damaged images: a skip that is counted under its reason; never a wrong number."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.damaged_run import COUNT, FRONT, images, messages, run
from helpers.tiny_bag import START_NS
from helpers.validation_bag import TinyPipeline, image_of

from trt_perception.bag.bag_topic import BagMessage
from trt_perception.cdr import (
    COMPRESSED_IMAGE_TYPE,
    encode_compressed_image,
    encode_image,
)
from trt_perception.validate.run_folder import RunFolder

pytest.importorskip("onnxruntime", reason="needs ONNX Runtime")
pytest.importorskip("pycocotools", reason="needs pycocotools")


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> TinyPipeline:
    return TinyPipeline(tmp_path_factory.mktemp("model"))


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
