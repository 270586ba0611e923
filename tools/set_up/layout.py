"""Where everything of one row lies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

DEFAULT_ROW = "default"
PYPI = "pypi"
COMMON = "common"
SUPPORTED_PYTHONS = ("3.10", "3.11", "3.12", "3.13")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The places of one row: a virtual environment and what belongs to it.

    Args:
        root: The project's folder.
        row: Name of the row: `default`, or NAME of a constraints-NAME.txt.
        venv: The row's virtual environment.
    """

    root: Path
    row: str
    venv: Path

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.venv / "bin" / "python"

    @property
    def constraints(self) -> Path:
        """The row's pinned versions."""
        return self.root / ("constraints.txt" if self.row == DEFAULT_ROW else f"constraints-{self.row}.txt")

    @property
    def common_constraints(self) -> Path:
        """The pinned versions that every row has."""
        return self.root / f"constraints-{COMMON}.txt"

    @property
    def environment_file(self) -> Path:
        """What a shell reads to work in this environment."""
        return self.venv / "env.sh"

    @property
    def cache(self) -> Path:
        """Logs, builds and everything else that may be deleted; the rows share it."""
        return self.root / ".cache"

    @property
    def scratch(self) -> Path:
        """This row's part of the cache: logs of set-up, builds of the interface packages."""
        return self.cache / "set_up" / self.venv.name.lstrip(".")


def find_rows(root: Path) -> list[str]:
    """The rows that there are."""
    named = (path.stem.partition("-")[2] for path in root.glob("constraints-*.txt"))
    return [DEFAULT_ROW, *sorted(name for name in named if name != COMMON)]


def choose_layout(root: Path, row: str, *, python_version: str | None, ros: str) -> Layout:
    """The layout of a row.

    An environment that stands there stays what it is. One that differs from it gets a place of its own beside it
    (`.venv-3.12`, `.venv-jazzy`), so that nobody's environment is ever replaced under them.

    Args:
        root: The project's folder.
        row: Name of the row.
        python_version: `3.12` where the user asked for it by name, None where any will do.
        ros: Name of the sourced distribution, `PYPI` without one.
    """
    name = ".venv" if row == DEFAULT_ROW else f".venv-{row}"
    standing = read_venv(root / name)
    if standing is not None:
        if standing.system_packages != (ros != PYPI):
            name = f"{name}-{ros}"
            standing = read_venv(root / name)
        if standing is not None and python_version not in (None, standing.python_version):
            name = f"{name}-{python_version}"
    return Layout(root=root, row=row, venv=root / name)


@dataclass(frozen=True, kw_only=True)
class StandingVenv:
    """What a virtual environment says of itself.

    Args:
        python_version: `3.12`.
        system_packages: Whether it sees the packages of the Python it was made with.
    """

    python_version: str
    system_packages: bool


def read_venv(venv: Path) -> StandingVenv | None:
    """What stands at a place, None where there is no virtual environment."""
    try:
        text = (venv / "pyvenv.cfg").read_text(encoding="utf-8")
    except OSError:
        return None
    settings = dict(re.findall(r"^(\S+) *= *(.*?) *$", text, flags=re.MULTILINE))
    match = re.match(r"\d+\.\d+", settings.get("version", ""))
    if match is None:
        return None
    return StandingVenv(python_version=match[0], system_packages=settings.get("include-system-site-packages") == "true")
