"""What is compressed in a bag unpacks to what it says, up to a limit; a few bytes that unpack to gigabytes do not."""

import shutil
import sqlite3
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import lz4.frame
import pytest
from helpers.tiny_bag import tiny_messages, write_messages, write_tiny_bag
from mcap.records import Chunk, ChunkIndex
from mcap.writer import CompressionType, IndexType
from mcap.writer import Writer as McapWriter

from trt_perception import BagError
from trt_perception.bag import unpack, unpack_file
from trt_perception.bag.bag_reader import BagReader
from trt_perception.bag.bag_writer_options import BagWriterOptions
from trt_perception.bag.libraries import load_zstd
from trt_perception.cdr import IMAGE_TYPE

BOMB_BYTES = 1 << 26
MIB = 1 << 20
MEMORY = 8 * MIB

Compress = Callable[[bytes], bytes]


def zstd_without_size(data: bytes) -> bytes:
    compressor = load_zstd().ZstdCompressor()
    return compressor.compress(data) + compressor.flush()


def zstd(data: bytes) -> bytes:
    return load_zstd().compress(data)


def peak_of_refusal(path: Path, match: str) -> int:
    """Memory that a bag takes until it is refused, bytes."""
    tracemalloc.start()
    try:
        with pytest.raises(BagError, match=match):
            for _ in BagReader(path).messages():
                pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


class Swap(NamedTuple):
    """A chunk's content replaced by another, and what the file says about it."""

    compression: str
    data: bytes
    declared: int


def mcap_file(path: Path, monkeypatch: pytest.MonkeyPatch, swap: Swap, *, indexed: bool = True) -> Path:
    """A file of the mcap package in which chunk and index say what `swap` has."""
    write_chunk, write_index = Chunk.write, ChunkIndex.write

    def chunk(self: Chunk, stream: object) -> None:
        self.compression, self.data, self.uncompressed_size = swap.compression, swap.data, swap.declared
        self.uncompressed_crc = 0
        write_chunk(self, stream)

    def index(self: ChunkIndex, stream: object) -> None:
        self.compression, self.compressed_size, self.uncompressed_size = (
            swap.compression,
            len(swap.data),
            swap.declared,
        )
        write_index(self, stream)

    with monkeypatch.context() as patched:
        patched.setattr(Chunk, "write", chunk)
        patched.setattr(ChunkIndex, "write", index)
        with path.open("wb") as file:
            options = {} if indexed else {"index_types": IndexType.NONE}
            writer = McapWriter(file, compression=CompressionType.NONE, **options)
            writer.start(profile="ros2")
            schema = writer.register_schema(IMAGE_TYPE, "ros2msg", b"std_msgs/Header header")
            channel = writer.register_channel("/front/image_raw", "cdr", schema)
            writer.add_message(channel, 5, b"\0\1\0\0", publish_time=5)
            writer.finish()
    return path


@pytest.mark.parametrize("indexed", [pytest.param(True, id="indexed"), pytest.param(False, id="scanned")])
@pytest.mark.parametrize(
    ("compression", "compress"),
    [
        pytest.param("zstd", zstd, id="zstd"),
        pytest.param("zstd", zstd_without_size, id="zstd_without_size"),
        pytest.param("lz4", lz4.frame.compress, id="lz4"),
    ],
)
class TestChunk:
    """A chunk whose content is a bomb."""

    def test_unpacks_to_no_more_than_the_file_says(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compression: str, compress: Compress, indexed: bool
    ) -> None:
        swap = Swap(compression, compress(bytes(BOMB_BYTES)), 1000)
        path = mcap_file(tmp_path / "a.mcap", monkeypatch, swap, indexed=indexed)
        assert peak_of_refusal(path, "expected 1000 bytes unpacked, got more") < MEMORY

    def test_that_says_what_it_is_is_refused_by_its_size(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compression: str, compress: Compress, indexed: bool
    ) -> None:
        swap = Swap(compression, compress(bytes(BOMB_BYTES)), 12 << 30)
        path = mcap_file(tmp_path / "a.mcap", monkeypatch, swap, indexed=indexed)
        refusal = "expected at most 1 GiB unpacked, got 12.0 GiB; record it, or convert it, with smaller chunks"
        assert peak_of_refusal(path, refusal) < MEMORY

    def test_that_unpacks_to_less_is_damaged(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compression: str, compress: Compress, indexed: bool
    ) -> None:
        path = mcap_file(tmp_path / "a.mcap", monkeypatch, Swap(compression, compress(bytes(99)), 100), indexed=indexed)
        assert peak_of_refusal(path, "expected 100 bytes unpacked, got 99") < MEMORY


def chunks_at(path: Path, times_ns: list[int], size: int) -> Path:
    """A file with a chunk for each time, all but one message of which is zeros that compress well."""
    with path.open("wb") as file:
        writer = McapWriter(file, chunk_size=1, compression=CompressionType.ZSTD)
        writer.start(profile="ros2")
        schema = writer.register_schema(IMAGE_TYPE, "ros2msg", b"std_msgs/Header header")
        channel = writer.register_channel("/front/image_raw", "cdr", schema)
        for time_ns in times_ns:
            writer.add_message(channel, time_ns, bytes(size), publish_time=time_ns)
        writer.finish()
    return path


def test_chunks_that_are_open_together_are_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "MAX_UNPACKED_BYTES", 16 * MIB)  # 1 GiB takes seconds to unpack
    together = chunks_at(tmp_path / "together.mcap", [7] * 5, 4 * MIB)
    assert together.stat().st_size < MIB
    assert peak_of_refusal(together, "chunks that overlap in time: expected at most") < MEMORY
    after_each_other = chunks_at(tmp_path / "after.mcap", list(range(5)), 4 * MIB)
    assert sum(1 for _ in BagReader(after_each_other).messages()) == 5
    none = BagReader(together).messages(start_ns=8)  # what does not overlap the span is not opened at all
    assert list(none) == []


def test_a_message_is_judged_by_the_size_that_it_says(tmp_path: Path) -> None:
    huge = bytearray(zstd(bytes(1000)))
    # Frame header of RFC 8878, 3.1.1.1: descriptor (content size in 8 bytes, single segment), then the size.
    huge[4:7] = struct.pack("<BQ", 0xE0, 3 << 30)
    for name, data, match in (
        (
            "lies",
            zstd(bytes(BOMB_BYTES)).replace(struct.pack("<I", BOMB_BYTES), struct.pack("<I", 100)),
            "cannot be read",
        ),
        ("huge", bytes(huge), "a compressed message: expected at most 1 GiB unpacked, got 3.0 GiB"),
        ("silent", zstd_without_size(bytes(BOMB_BYTES)), "does not say its size"),
    ):
        path = write_tiny_bag(tmp_path / name, BagWriterOptions(storage="sqlite3", compression="message"))
        with sqlite3.connect(path / f"{name}.db3") as connection:
            connection.execute("UPDATE messages SET data = ?", (data,))
        connection.close()
        assert peak_of_refusal(path, match) < MEMORY, name


class TestFile:
    """A compressed file that unpacks to much more than it is."""

    def packed(self, folder: Path, data: bytes) -> Path:
        path = folder / "drive.mcap.zstd"
        path.write_bytes(data)
        return path

    def test_is_refused_by_the_size_that_it_says(self, tmp_path: Path) -> None:
        frame = bytearray(zstd(bytes(1000)))
        frame[4:7] = struct.pack("<BQ", 0xE0, 50 << 30)
        path = self.packed(tmp_path, bytes(frame))
        assert peak_of_refusal(path, r"unpacks to more than 1024 MiB.*zstd -d drive.mcap.zstd") < MEMORY

    def test_that_says_nothing_is_unpacked_only_as_far_as_is_likely(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(unpack_file, "LIKELY_BYTES", 20 * MIB)
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        path = self.packed(tmp_path, zstd_without_size(bytes(BOMB_BYTES)))
        assert peak_of_refusal(path, "unpacks to more than 20 MiB") < MEMORY
        assert list(tmp_path.iterdir()) == [path]

    def test_leaves_room_for_others(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        frees = iter([2000 * MIB, 1100 * MIB, 1024 * MIB])
        monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1 << 40, 0, next(frees)))
        path = self.packed(tmp_path, zstd_without_size(bytes(BOMB_BYTES)))
        assert peak_of_refusal(path, "does not fit unpacked into .* which has 1024 MiB left; let TMPDIR") < MEMORY

    def test_that_is_a_bag_is_read_however_well_it_compresses(self, tmp_path: Path) -> None:
        messages = tiny_messages(["front"], count=8, height=1000, width=1000)
        path = write_messages(tmp_path / "drive", messages, BagWriterOptions(compression="file"))
        assert (path / "drive.mcap.zstd").stat().st_size * 1000 < 8 * 3_000_000
        assert BagReader(path).message_count == 9


def test_columns_that_are_computed_are_refused(tmp_path: Path) -> None:
    path = write_tiny_bag(tmp_path / "drive", BagWriterOptions(storage="sqlite3"))
    with sqlite3.connect(path / "drive.db3") as connection:
        connection.executescript(
            "ALTER TABLE messages RENAME TO old;"
            "CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER, timestamp INTEGER,"
            " data GENERATED ALWAYS AS (zeroblob(900000000)) VIRTUAL);"
            "INSERT INTO messages(id, topic_id, timestamp) SELECT id, topic_id, timestamp FROM old;"
        )
    connection.close()
    assert peak_of_refusal(path, "its table messages has columns that are computed") < MEMORY
