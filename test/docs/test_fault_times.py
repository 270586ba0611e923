"""A cell of docs/faults.md is what the result files say: the slowest of each kind, and what was never measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tools import render_docs
from tools.fault_times import fault_times

RESULTS: dict[str, list[dict[str, Any]]] = {
    "faults": [
        {"fault": "late", "in_log": 0.0, "over": 0.003},
        {"fault": "killed", "process_ended": 2.0449, "in_log": 0.0121},
    ],
    "soak": [
        {"fault": "a clock: back", "played": 7, "seen": 1.194, "seen_within": 2.0, "over": 0.2074},
        {"fault": "slow", "played": 7, "seen": "", "seen_within": "no fault", "over": 0.0991},
    ],
    "gpu_faults": [{"fault": "stuck", "process_ended": 2.154, "seen": 2.097, "over": 0.092}],
}


@pytest.fixture(autouse=True)
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Result files of faults."""
    for name, rows in RESULTS.items():
        (tmp_path / f"{name}.json").write_text(json.dumps({"rows": rows}))
    monkeypatch.setattr(render_docs, "RESULTS", tmp_path)
    return tmp_path


CELLS = {
    "faults:late": "log < 1 ms, over 3 ms",
    "faults:killed": "log 12 ms, process ended 2.04 s",
    "soak:a clock: back": "diagnostics 1.19 s, over 0.21 s",
    "soak:slow": "over 99 ms",
    "gpu_faults:stuck": "seen 2.10 s, process ended 2.15 s, over 92 ms",
    "faults:late; soak:a clock: back; soak:slow": "log < 1 ms, diagnostics 1.19 s, over 0.21 s",
    "gpu_faults:trap": "not measured yet",
    "faults:late; gpu_faults:trap": "log < 1 ms, over 3 ms; not measured yet: trap",
}


@pytest.mark.parametrize(("keys", "cell"), CELLS.items(), ids=CELLS.keys())
def test_a_cell_holds_the_slowest_of_each_kind(keys: str, cell: str) -> None:
    row = f"| fault | <!-- times: {keys} -->old<!-- end --> | test |\n"
    assert render_docs.render_page(row) == row.replace("old", cell)


def test_cells_of_several_rows_are_filled_each_by_itself() -> None:
    page = "".join(f"| <!-- times: {keys} --><!-- end --> |\n" for keys in CELLS)
    expected = "".join(f"| <!-- times: {keys} -->{cell}<!-- end --> |\n" for keys, cell in CELLS.items())
    assert render_docs.render_page(page) == expected


BAD_KEYS = {"no_file": "late", "no_fault": "faults:", "another_file": "soaks:late", "nothing_behind": "faults:late; "}


@pytest.mark.parametrize("keys", BAD_KEYS.values(), ids=BAD_KEYS.keys())
def test_a_key_without_a_file_of_faults_is_refused(keys: str, results: Path) -> None:
    with pytest.raises(ValueError, match="expected FILE:FAULT with one of faults, soak, gpu_faults as file, got "):
        fault_times(keys, results=results)
