"""docs/faults.md: every row names a test that exists and has its measured times, or says why it has none.

Every reason for a drop, every stamp fault and everything that was measured has a row.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from bench.gpu_faults.__main__ import WORDS as GPU_FAULTS
from tools.fault_times import FILES, NOT_YET, faults_of, split_keys
from trt_perception.errors import DropReason
from trt_perception.ros.stamp_fault import StampFault

TESTS = Path(__file__).resolve().parents[1]
DOCS = TESTS.parent / "docs"
PAGE = (DOCS / "faults.md").read_text()
ROWS = [line.split(" | ") for line in PAGE.partition("## Measured")[0].splitlines() if line.startswith("| ")]
FAULTS = [row for row in ROWS if row[0] not in ("| fault", "| ---")]

NO_FAULT = {DropReason.DISABLED, DropReason.INACTIVE}
"""What the user asked for."""

each_row = pytest.mark.parametrize("row", FAULTS, ids=lambda row: row[0].removeprefix("| ").replace(" ", "_"))


def test_has_rows_of_six_columns() -> None:
    assert len(FAULTS) > 40
    assert {len(row) for row in FAULTS} == {6}


@each_row
def test_a_row_names_a_test_that_is_there(row: list[str]) -> None:
    found = re.fullmatch(r"`([\w/]+\.py)::(test_\w+)` \|", row[-1])
    assert found, row[-1]
    functions = ast.walk(ast.parse((TESTS / found[1]).read_text()))
    assert found[2] in {node.name for node in functions if isinstance(node, ast.FunctionDef)}


def keys_of(row: list[str]) -> list[tuple[str, str]]:
    """Files and faults of a row's times; none where it gives a reason."""
    found = re.search(r"<!-- times: (.+?) -->", row[4])
    return split_keys(found[1]) if found else []


def measured(file: str) -> set[str]:
    """What a result file has; of a GPU's what its bench will measure, too, which says itself that it has not yet."""
    expected = set(GPU_FAULTS.values()) if file == "gpu_faults" else set()
    return set(faults_of(DOCS / "results" / f"{file}.json")) | expected


@each_row
def test_a_row_has_its_measured_times_or_says_why_not(row: list[str]) -> None:
    keys = keys_of(row)
    for file, fault in keys:
        assert fault in measured(file), f"docs/results/{file}.json has no {fault!r}"
    if all(file == "gpu_faults" for file, _ in keys):  # an empty list: a reason
        shown = re.sub(r"\]\(.*?\)|<!--.*?-->", "", row[4])
        assert len(shown) > 5
        assert keys or not re.search(r"\d", shown), "a time that nobody measured"
    else:
        assert re.search(r"-->.*\d m?s\b", row[4])


@pytest.mark.parametrize("file", FILES)
def test_what_was_measured_has_a_row(file: str) -> None:
    shown = {fault for row in FAULTS for name, fault in keys_of(row) if name == file}
    assert measured(file) == shown


def test_only_a_gpus_faults_are_not_measured_yet() -> None:
    open_rows = [row for row in FAULTS if NOT_YET in row[4]]
    assert all(any(file == "gpu_faults" for file, _ in keys_of(row)) for row in open_rows)


WORDS = [
    *(reason.value for reason in DropReason if reason not in NO_FAULT),
    *(fault.value for fault in StampFault),
]


@pytest.mark.parametrize("word", WORDS)
def test_has_a_row_for(word: str) -> None:
    assert any(f"`{word}`" in row[1] for row in FAULTS)
