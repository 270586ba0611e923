"""The bag library is needed only when a bag is read or written, and named where it is absent."""

import subprocess
import sys
from pathlib import Path

import pytest
from helpers.tiny_bag import write_tiny_bag

from trt_perception import MissingError
from trt_perception.bag.bag_reader import BagReader
from trt_perception.bag.bag_writer import BagWriter

MODULES = sorted(
    f"trt_perception.bag.{file.stem}"
    for file in (Path(__file__).parents[2] / "trt_perception" / "bag").glob("*.py")
    if file.stem != "__init__"
)


def test_importing_loads_no_bag_library() -> None:
    code = f"import sys, {', '.join(MODULES)}; sys.exit('rosbags' in sys.modules or 'apsw' in sys.modules)"
    root = Path(__file__).resolve().parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, timeout=60).returncode == 0


def test_without_it_reading_and_writing_say_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_tiny_bag(tmp_path / "drive")
    monkeypatch.setitem(sys.modules, "rosbags.rosbag2", None)
    with pytest.raises(MissingError, match=r"pip install 'trt_perception\[bags\]'"):
        BagReader(path)
    with pytest.raises(MissingError, match="bags"):
        BagWriter(tmp_path / "other")
    assert list(tmp_path.iterdir()) == [path]
