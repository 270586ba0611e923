"""A bag that cannot be read says why and what to do; whatever the bytes, nothing but a BagError comes out."""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
import yaml
from helpers.tiny_bag import tiny_messages, write_messages, write_tiny_bag

from trt_perception import BagError
from trt_perception.bag.bag_reader import BagReader
from trt_perception.bag.bag_writer_options import BagWriterOptions

Damage = Callable[[Path], Path | None]


def storage_file(path: Path) -> Path:
    (file,) = [file for file in path.iterdir() if file.name != "metadata.yaml"]
    return file


def cut(share: float) -> Damage:
    def damage(path: Path) -> None:
        file = storage_file(path)
        data = file.read_bytes()
        file.write_bytes(data[: int(len(data) * share)])

    return damage


def change_metadata(**changes: object) -> Damage:
    def damage(path: Path) -> None:
        file = path / "metadata.yaml"
        content = yaml.safe_load(file.read_text())
        content["rosbag2_bagfile_information"].update(changes)
        file.write_text(yaml.safe_dump(content))

    return damage


def write_metadata(text: str) -> Damage:
    def damage(path: Path) -> None:
        (path / "metadata.yaml").write_bytes(text.encode("latin-1"))

    return damage


def replace_storage(data: bytes) -> Damage:
    return lambda path: storage_file(path).write_bytes(data) and None


def add_file(name: str) -> Damage:
    return lambda path: (path / name).write_bytes(b"unfinished") and None


def remove_all(path: Path) -> None:
    for file in path.iterdir():
        file.unlink()


def lose_storage(path: Path) -> None:
    storage_file(path).unlink()


def both_storages(path: Path) -> None:
    (path / "metadata.yaml").unlink()
    shutil.copy(storage_file(path), path / "other.db3")


def drop_table(name: str) -> Damage:
    def damage(path: Path) -> None:
        with sqlite3.connect(storage_file(path)) as connection:
            connection.execute(f"DROP TABLE {name}")
        connection.close()

    return damage


def another_type_elsewhere(path: Path) -> None:
    messages = (m for m in tiny_messages(["front"]))
    other = write_messages(path.parent / "other", messages)
    data = storage_file(other).read_bytes().replace(b"sensor_msgs/msg/Image", b"sensor_msgs/msg/Imaga")
    (path / "second.mcap").write_bytes(data)
    (path / "metadata.yaml").unlink()


def corrupt_chunk(path: Path) -> None:
    file = storage_file(path)
    data = bytearray(file.read_bytes())
    start = data.index(b"\x28\xb5\x2f\xfd")
    data[start + 40 : start + 60] = bytes(20)
    file.write_bytes(data)


CASES = [
    ("mcap", lambda path: path / "nothing_here", "no such bag", "absent"),
    ("mcap", lambda path: path / "metadata.yaml", "expected a bag's folder", "another_file"),
    ("mcap", remove_all, "it is no bag", "empty_folder"),
    ("mcap", lose_storage, "names drive.mcap, which the folder lacks", "storage_missing"),
    ("mcap", replace_storage(b""), "is empty, 0 bytes", "mcap_empty"),
    ("sqlite3", replace_storage(b""), "is empty, 0 bytes", "sqlite_empty"),
    ("mcap", replace_storage(b"hello, this is text"), "is no MCAP file", "mcap_text"),
    ("sqlite3", replace_storage(b"hello, this is text"), "is no sqlite3 file", "sqlite_text"),
    ("mcap", replace_storage(b"\x89MCAP0\r\n"), "cannot be read", "mcap_magic_alone"),
    ("mcap", cut(0.99), "truncated, or its recorder still runs", "mcap_cut_at_end"),
    ("mcap", cut(0.4), "truncated, or its recorder still runs", "mcap_cut"),
    ("sqlite3", cut(0.3), "cannot be read", "sqlite_cut"),
    ("sqlite3", drop_table("messages"), "missing tables", "sqlite_without_messages"),
    ("sqlite3", drop_table("topics"), "missing tables", "sqlite_without_topics"),
    ("sqlite3", add_file("drive.db3-wal"), "it is being written", "sqlite_wal"),
    ("sqlite3", add_file("drive.db3-journal"), "it is being written", "sqlite_journal"),
    ("mcap", write_metadata("a: [1, 2"), "is not YAML", "metadata_no_yaml"),
    ("mcap", write_metadata("\xff\xfe\x00"), "is not YAML", "metadata_no_text"),
    ("mcap", write_metadata(""), "rosbag2_bagfile_information", "metadata_empty"),
    ("mcap", write_metadata("[1, 2]"), "rosbag2_bagfile_information", "metadata_a_list"),
    ("mcap", change_metadata(version=99), "got 99", "metadata_from_the_future"),
    ("mcap", change_metadata(relative_file_paths=[]), "relative_file_paths", "metadata_without_files"),
    ("mcap", change_metadata(relative_file_paths="drive.mcap"), "relative_file_paths", "metadata_files_a_text"),
    ("mcap", change_metadata(relative_file_paths=["metadata.yaml"]), "expected .mcap or .db3", "metadata_names_itself"),
    ("mcap", both_storages, "both .mcap and .db3", "two_storages"),
    ("mcap", another_type_elsewhere, "and sensor_msgs/msg/Imaga in another", "types_differ"),
]


@pytest.mark.parametrize(
    ("storage", "damage", "named"),
    [pytest.param(storage, damage, named, id=name) for storage, damage, named, name in CASES],
)
def test_damage_is_named(tmp_path: Path, storage: str, damage: Damage, named: str) -> None:
    path = write_tiny_bag(tmp_path / "drive", BagWriterOptions(storage=storage))
    path = damage(path) or path
    with pytest.raises(BagError, match=named):
        list(BagReader(path).messages())


def test_a_damaged_chunk_is_an_error_and_no_wrong_image(tmp_path: Path) -> None:
    path = write_tiny_bag(tmp_path / "drive", BagWriterOptions(compression="chunk"))
    corrupt_chunk(path)
    with pytest.raises(BagError, match="cannot be read as a ROS 2 bag"):
        list(BagReader(path).messages())


def test_a_sqlite_row_of_other_types_is_an_error(tmp_path: Path) -> None:
    path = write_tiny_bag(tmp_path / "drive", BagWriterOptions(storage="sqlite3"))
    with sqlite3.connect(storage_file(path)) as connection:
        connection.execute("UPDATE messages SET data = 'text' WHERE id = 3")
    connection.close()
    with pytest.raises(BagError, match="no blob"):
        list(BagReader(path).messages())


def test_a_truncated_compressed_file_is_an_error(tmp_path: Path) -> None:
    path = write_tiny_bag(tmp_path / "drive", BagWriterOptions(compression="file"))
    cut(0.5)(path)
    with pytest.raises(BagError, match=r"drive\.mcap\.zstd"):
        BagReader(path)


def test_a_path_that_sqlite_would_misread_is_named(tmp_path: Path) -> None:
    path = write_tiny_bag(tmp_path / "drive", BagWriterOptions(storage="sqlite3")).rename(tmp_path / "100%")
    with pytest.raises(BagError, match="cannot have % in their path"):
        BagReader(path)


@pytest.mark.parametrize(
    ("storage", "compression"),
    [("mcap", "none"), ("mcap", "chunk"), ("sqlite3", "none")],
    ids=["mcap", "zstd", "sqlite3"],
)
def test_flipped_bytes_give_messages_or_a_bag_error(tmp_path: Path, storage: str, compression: str) -> None:
    options = BagWriterOptions(storage=storage, compression=compression)
    path = write_messages(tmp_path / "drive", tiny_messages(["front"], count=2), options)
    file = storage_file(path)
    valid = file.read_bytes()
    random = Random(4)
    refused = 0
    for _ in range(150):
        data = bytearray(valid)
        for _ in range(random.choice((1, 2, 20))):
            data[random.randrange(len(data))] = random.choice((0, 1, 0x7F, 0xFF, random.randrange(256)))
        file.write_bytes(data)
        try:
            for message in BagReader(path).messages():
                assert isinstance(message.data, bytes)
                assert isinstance(message.log_time_ns, int)
        except BagError:
            refused += 1
    assert refused > 0


def test_every_truncation_of_a_small_bag_is_refused(tmp_path: Path) -> None:
    path = write_messages(tmp_path / "drive", tiny_messages(["front"], count=1))
    file = storage_file(path)
    valid = file.read_bytes()
    for size in range(0, len(valid), 13):
        file.write_bytes(valid[:size])
        with pytest.raises(BagError):
            BagReader(path)
