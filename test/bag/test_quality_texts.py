"""Qualities of service are the same as rosbags alone reads and writes them, and are parsed once for each text."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from helpers.tiny_bag import tiny_messages, write_messages

from trt_perception.bag.bag_reader import BagReader
from trt_perception.bag.bag_writer_options import BagWriterOptions
from trt_perception.bag.libraries import load_rosbags

QUALITIES = (
    "import sys; from pathlib import Path; from rosbags.rosbag2 import Reader\n"
    "with Reader(Path(sys.argv[1])) as reader:\n"
    "    print(sorted((c.topic, c.ext.offered_qos_profiles) for c in reader.connections))"
)


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_rosbags_alone_reads_the_same(tmp_path: Path, storage: str) -> None:
    bag = write_messages(tmp_path / "bag", tiny_messages(), BagWriterOptions(storage=storage))
    assert BagReader(bag).topics
    with load_rosbags("rosbags.rosbag2").Reader(bag) as reader:
        here = [(connection.topic, connection.ext.offered_qos_profiles) for connection in reader.connections]
    alone = subprocess.run([sys.executable, "-c", QUALITIES, str(bag)], capture_output=True, text=True, check=True)
    assert alone.stdout.strip() == str(sorted(here))
    assert "RELIABLE" in alone.stdout


def test_a_text_is_parsed_once_however_often_a_bag_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bag = write_messages(tmp_path / "bag", tiny_messages(), BagWriterOptions())
    assert BagReader(bag).topics
    metadata = load_rosbags("rosbags.rosbag2.metadata")
    monkeypatch.setattr(metadata, "YAML", None)  # whatever parses from here on fails
    assert len(BagReader(bag).topics) > 1
    assert list(BagReader(bag).messages())


def test_what_is_changed_by_one_reader_is_not_seen_by_the_next(tmp_path: Path) -> None:
    bag = write_messages(tmp_path / "bag", tiny_messages(), BagWriterOptions())
    assert BagReader(bag).topics
    sizes = []
    for _ in range(2):
        with load_rosbags("rosbags.rosbag2").Reader(bag) as reader:
            profiles = reader.connections[0].ext.offered_qos_profiles
            sizes.append(len(profiles))
            profiles.clear()
    assert sizes == [1, 1]
