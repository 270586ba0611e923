"""docs/node.md names every reason, fault and encoding that the code has."""

from __future__ import annotations

from pathlib import Path

import pytest

from trt_perception.encoding import ALIASES, Encoding
from trt_perception.errors import DropReason
from trt_perception.ros.stamp_fault import StampFault

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "node.md").read_text()


@pytest.mark.parametrize("word", [member.value for kind in (DropReason, StampFault) for member in kind])
def test_has_a_row_for(word: str) -> None:
    assert f"\n| {word} | " in PAGE


@pytest.mark.parametrize("word", [*(encoding.value for encoding in Encoding), *ALIASES])
def test_names_the_encoding(word: str) -> None:
    assert word in PAGE
