"""A step is done again exactly when something that it depends on has changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.set_up.stamp import Stamp, digest


def key(root: Path, *, values: tuple[str, ...] = ("3.11", "PyPI")) -> str:
    return digest(values=values, files=root.glob("*.txt"), root=root)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "constraints.txt").write_text("numpy==2.4.6\n")
    return tmp_path


def test_key_is_the_same_for_the_same_content(root: Path) -> None:
    assert key(root) == key(root)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(("3.12", "PyPI"), id="python"),
        pytest.param(("3.11", "jazzy"), id="ros"),
        pytest.param(("3.11PyPI",), id="joined"),
    ],
)
def test_key_changes_with_a_value(root: Path, values: tuple[str, ...]) -> None:
    assert key(root, values=values) != key(root)


def test_key_changes_with_content_and_with_a_new_or_renamed_file(root: Path) -> None:
    keys = [key(root)]
    (root / "constraints.txt").write_text("numpy==2.4.7\n")
    keys.append(key(root))
    (root / "more.txt").write_text("")
    keys.append(key(root))
    (root / "more.txt").rename(root / "other.txt")
    keys.append(key(root))

    assert len(set(keys)) == len(keys)


def test_stamp_holds_once_written_and_only_for_its_key(tmp_path: Path) -> None:
    stamp = Stamp(tmp_path, "packages", "a")
    before = stamp.holds()
    stamp.write()

    assert (before, stamp.holds(), Stamp(tmp_path, "packages", "b").holds()) == (False, True, False)
