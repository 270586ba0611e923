"""The page of licences: no pinned package is missing, and every row is what the installed package says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools import list_licences
from tools.list_licences import current_rows, installed_licence, pinned, read_rows, render

ROOT = Path(__file__).parents[2]


def test_the_page_is_current() -> None:
    done = subprocess.run(
        [sys.executable, "tools/list_licences.py", "--check"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_pinned_package_has_a_row_of_a_pinned_version() -> None:
    rows = read_rows((ROOT / "docs" / "licences.md").read_text())
    assert rows.keys() == pinned().keys()
    assert [name for name, (version, _) in rows.items() if version not in pinned()[name]] == []


@pytest.mark.parametrize(
    ("name", "licence"),
    [
        pytest.param("hypothesis", "MPL-2.0", id="spdx"),
        pytest.param("requests", "Apache-2.0", id="words"),
        pytest.param("jinja2", "BSD License", id="classifier"),
        pytest.param("setuptools", "MIT", id="licence_file"),
        pytest.param("no-such-package", None, id="absent"),
    ],
)
def test_what_a_package_states(name: str, licence: str | None) -> None:
    assert installed_licence(name) == licence


def test_an_unpinned_package_loses_its_row_and_a_changed_one_is_read_again() -> None:
    written = {"gone": ("1", "MIT"), "hypothesis": ("0.1", "Other")}
    rows = current_rows(written)
    assert "gone" not in rows
    assert rows["hypothesis"] == current_rows({})["hypothesis"]


def test_a_row_of_a_version_that_is_pinned_for_another_python_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_licences, "pinned", lambda: {"hypothesis": {"0.1", "0.2"}, "absent-here": {"3"}})
    written = {"hypothesis": ("0.2", "MPL-2.0"), "absent-here": ("3", "MIT")}
    assert current_rows(written) == written
    assert "absent-here" not in current_rows({})


def test_rows_are_read_back() -> None:
    rows = {"a": ("1.0", "MIT"), "b-c": ("2", "Apache-2.0 OR BSD-3-Clause")}
    page = f"before\n{list_licences.START}\n{render(rows)}\n{list_licences.END}after | `x` | 1 | y |"
    assert read_rows(page) == rows
