"""Files of other people's are read up to a limit: JSON of every kind says which, and takes no more than that."""

import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest
from helpers.tiny_bag import write_tiny_bag

from trt_perception.bag.bag_reader import BagReader
from trt_perception.bag.coco_file import read_coco
from trt_perception.errors import InputError
from trt_perception.options.limited_file import MAX_JSON_BYTES, limited_lines, read_limited
from trt_perception.precision.calibration_table import read_table
from trt_perception.precision.read_account import read_account
from trt_perception.preprocess.encoded_file import read_encoded
from trt_perception.validate.live_drops import LiveDrops, read_played
from trt_perception.validate.run_folder import read_frames, read_header, read_json

GIB = 2**30


def sparse(path: Path, size: int) -> Path:
    """A file of zeros that takes no room on the disk."""
    with path.open("wb") as file:
        file.truncate(size)
    return path


@pytest.mark.parametrize(
    ("read", "limit"),
    [
        pytest.param(read_table, MAX_JSON_BYTES, id="calibration_table"),
        pytest.param(read_account, MAX_JSON_BYTES, id="account"),
        pytest.param(read_coco, GIB, id="coco"),
        pytest.param(read_encoded, GIB, id="image"),
        pytest.param(LiveDrops.read, MAX_JSON_BYTES, id="drop_log"),
        pytest.param(read_played, MAX_JSON_BYTES, id="ledger"),
        pytest.param(read_header, MAX_JSON_BYTES, id="run_header"),
        pytest.param(lambda path: list(read_frames(path)), MAX_JSON_BYTES, id="run_frames"),
        pytest.param(read_json, GIB // 4, id="run_figures"),
    ],
)
def test_a_file_beyond_the_limit_is_refused(tmp_path: Path, read: Callable[[Path], object], limit: int) -> None:
    path = sparse(tmp_path / "large.json", 4 * GIB)
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=f"expected at most {limit // 2**20} MiB, got more"):
            read(path)
        assert tracemalloc.get_traced_memory()[1] < 3 * MAX_JSON_BYTES
    finally:
        tracemalloc.stop()


def test_a_coco_file_beyond_the_limit_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected at most 1024 MiB, got more; split it, or give truth as topics"):
        read_coco(sparse(tmp_path / "large.json", 4 * GIB))


def test_the_metadata_of_a_bag_has_the_limit_too(tmp_path: Path) -> None:
    path = write_tiny_bag(tmp_path / "drive")
    sparse(path / "metadata.yaml", MAX_JSON_BYTES + 1)
    with pytest.raises(InputError, match=r"metadata.yaml: expected at most 16 MiB, got more; `ros2 bag reindex`"):
        BagReader(path)


@pytest.mark.parametrize("size", [0, 1, 99, 100], ids=str)
def test_a_file_within_the_limit_is_read_whole(tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    (tmp_path / "file").write_bytes(data)
    assert read_limited(tmp_path / "file", limit=100) == data


def test_a_pipe_is_read_as_a_file_is(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    data = os.urandom(3 * 2**20)
    for limit in (len(data), len(data) - 1):
        writer = Thread(target=_write, args=(pipe, data))
        writer.start()
        if limit == len(data):
            assert read_limited(pipe, limit=limit) == data
        else:
            with pytest.raises(InputError, match="got more"):
                read_limited(pipe, limit=limit)
        writer.join()


def _write(pipe: Path, data: bytes) -> None:
    with pipe.open("wb") as file:
        file.write(data)


def test_lines_keep_their_ends_and_the_long_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_text("a\nbc\n\nd", encoding="utf-8")
    assert list(limited_lines(path, limit=3)) == ["a\n", "bc\n", "\n", "d"]
    with pytest.raises(InputError, match=r"lines:2: expected at most"):
        list(limited_lines(path, limit=2))
