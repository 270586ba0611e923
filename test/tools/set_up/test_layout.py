"""Which environment a set-up works in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.set_up.layout import PYPI, choose_layout


def stand(root: Path, name: str, python_version: str, *, system: bool = False) -> None:
    """Let a virtual environment stand there, as far as set-up can see."""
    (root / name).mkdir()
    text = f"home = /usr/bin\ninclude-system-site-packages = {str(system).lower()}\nversion = {python_version}.2\n"
    (root / name / "pyvenv.cfg").write_text(text)


@pytest.mark.parametrize(
    ("row", "standing", "asked", "ros", "expected"),
    [
        pytest.param("default", [], None, PYPI, ".venv", id="nothing_stands"),
        pytest.param("default", [], "3.12", PYPI, ".venv", id="nothing_stands_python_asked_for"),
        pytest.param("default", [("3.11", False)], None, PYPI, ".venv", id="another_python_is_kept_unasked"),
        pytest.param("default", [("3.11", False)], "3.11", PYPI, ".venv", id="same_python"),
        pytest.param("default", [("3.11", False)], "3.12", PYPI, ".venv-3.12", id="other_python_goes_beside"),
        pytest.param("default", [("3.12", False)], None, "jazzy", ".venv-jazzy", id="distribution_goes_beside_pypi"),
        pytest.param("default", [("3.12", True)], None, PYPI, ".venv-pypi", id="pypi_goes_beside_distribution"),
        pytest.param("default", [("3.12", True)], None, "jazzy", ".venv", id="same_distribution"),
        pytest.param("numpy1", [("3.12", False)], "3.11", PYPI, ".venv-numpy1", id="rows_are_apart"),
    ],
)
def test_environment_is_never_replaced(
    tmp_path: Path, row: str, standing: list[tuple[str, bool]], asked: str | None, ros: str, expected: str
) -> None:
    for version, system in standing:
        stand(tmp_path, ".venv", version, system=system)

    assert choose_layout(tmp_path, row, python_version=asked, ros=ros).venv == tmp_path / expected


def test_row_has_its_own_constraints(tmp_path: Path) -> None:
    rows = [choose_layout(tmp_path, row, python_version=None, ros=PYPI) for row in ("default", "numpy1")]

    assert [layout.constraints.name for layout in rows] == ["constraints.txt", "constraints-numpy1.txt"]
