"""What was never run is said to be so, and a plot stands only where it was made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools import render_docs


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Results and pictures, of which one each is there."""
    monkeypatch.setattr(render_docs, "RESULTS", tmp_path)
    monkeypatch.setattr(render_docs, "PICTURES", tmp_path)
    table = {"question": "How many?", "columns": {"n": "number"}, "rows": [{"n": 3}], "goals": []}
    machine = {"cpu": "any", "cores": "2"}
    result = {"date": "2026-01-02", "commit": "abc", "command": "count", "machine": machine, "tables": {"one": table}}
    (tmp_path / "there.json").write_text(json.dumps(result))
    (tmp_path / "there.svg").touch()
    return tmp_path


@pytest.mark.parametrize("name", ["absent", "absent:one", "there:two"])
def test_what_was_never_run_says_so(name: str) -> None:
    page = f"<!-- results: {name} -->\nold\n<!-- end -->"
    assert render_docs.render_page(page) == f"<!-- results: {name} -->\nNot run yet.\n<!-- end -->"


def test_a_table_that_is_there_is_shown() -> None:
    assert "| 3 |" in render_docs.results_table("there:one")


@pytest.mark.parametrize(("name", "shown"), [("there", "![there](pictures/there.svg)\n"), ("absent", "")])
def test_a_plot_stands_only_where_it_was_made(name: str, shown: str) -> None:
    assert (
        render_docs.render_page(f"<!-- plot: {name} -->\n<!-- end -->") == f"<!-- plot: {name} -->\n{shown}<!-- end -->"
    )
