"""docs/faults.md: every row names a test that exists, every reason for a drop and every stamp fault has a row."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from trt_perception.errors import DropReason
from trt_perception.ros.stamp_fault import StampFault

TESTS = Path(__file__).resolve().parents[1]
PAGE = (TESTS.parent / "docs" / "faults.md").read_text()
ROWS = [line.split(" | ") for line in PAGE.partition("## Measured")[0].splitlines() if line.startswith("| ")]
FAULTS = [row for row in ROWS if row[0] not in ("| fault", "| ---")]

NO_FAULT = {DropReason.DISABLED, DropReason.INACTIVE}
"""What the user asked for."""


def test_has_rows_of_five_columns() -> None:
    assert len(FAULTS) > 40
    assert {len(row) for row in FAULTS} == {5}


@pytest.mark.parametrize("row", FAULTS, ids=lambda row: row[0].removeprefix("| ").replace(" ", "_"))
def test_a_row_names_a_test_that_is_there(row: list[str]) -> None:
    found = re.fullmatch(r"`([\w/]+\.py)::(test_\w+)` \|", row[-1])
    assert found, row[-1]
    functions = ast.walk(ast.parse((TESTS / found[1]).read_text()))
    assert found[2] in {node.name for node in functions if isinstance(node, ast.FunctionDef)}


WORDS = [
    *(reason.value for reason in DropReason if reason not in NO_FAULT),
    *(fault.value for fault in StampFault),
]


@pytest.mark.parametrize("word", WORDS)
def test_has_a_row_for(word: str) -> None:
    assert any(f"`{word}`" in row[1] for row in FAULTS)
