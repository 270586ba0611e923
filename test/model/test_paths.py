"""Paths as specs hold them."""

from __future__ import annotations

from pathlib import Path

import pytest

from trt_perception.errors import ConfigError
from trt_perception.model.paths import absolute, is_file


def test_relative_paths_count_from_the_folder(tmp_path: Path) -> None:
    assert absolute("a/../b.onnx", folder=tmp_path) == tmp_path / "b.onnx"
    assert absolute(tmp_path / "b.onnx", folder=Path("/elsewhere")) == tmp_path / "b.onnx"


def test_home_is_expanded_and_an_unknown_user_is_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert absolute("~/b.onnx") == tmp_path / "b.onnx"
    assert absolute("~nobody-has-this-name.onnx", folder=tmp_path) == tmp_path / "~nobody-has-this-name.onnx"


def test_impossible_names_are_no_files(tmp_path: Path) -> None:
    assert not is_file(tmp_path / ("x" * 5000))
    with pytest.raises(ConfigError, match="NUL"):
        absolute("a\0b")
