"""Writes the licences of every pinned package into docs/licences.md, as the installed packages state them.

    python tools/list_licences.py            write the table
    python tools/list_licences.py --check    exit 1 where a pinned package is missing, or a row is not what is installed

A package that this Python does not install keeps the row that another one wrote, while its version is still pinned.
"""

from __future__ import annotations

import importlib.metadata
import re
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools.set_up.layout import Layout, find_rows  # noqa: E402
from tools.set_up.packages import project_name, read_pins  # noqa: E402

PAGE = ROOT / "docs" / "licences.md"
START, END = "<!-- licences -->\n", "<!-- end of licences -->"

ELSEWHERE = {
    "backports-strenum": "MIT",
    "coloredlogs": "MIT",
    "exceptiongroup": "MIT",
    "humanfriendly": "MIT",
    "mpmath": "BSD",
    "six": "MIT",
    "sympy": "BSD",
    "tomli": "MIT",
}
"""Licences, as their projects state them, of what only Python 3.10 installs."""

_WORDLESS = {"", "UNKNOWN"}
_LICENCE_FILES = (("Apache License", "Apache-2.0"), ("Permission is hereby granted, free of charge", "MIT"))


def pinned() -> dict[str, set[str]]:
    """Versions of every pinned project, of all rows and Pythons."""
    found: dict[str, set[str]] = {}
    for row in find_rows(ROOT):
        for line in read_pins(Layout(root=ROOT, row=row, venv=ROOT / ".venv")):
            version = line.partition("==")[2].partition(";")[0].strip()
            found.setdefault(project_name(line), set()).add(version)
    return found


def installed_licence(name: str) -> str | None:
    """What an installed package says its licence is: SPDX, else its own words, its classifier, or its files.

    Returns:
        None where it is not installed; ``not stated`` where it says nothing anywhere.
    """
    try:
        distribution = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return None
    about = distribution.metadata
    for text in about.get_all("License-Expression") or []:
        return str(text)
    words = "".join(about.get_all("License") or []).strip()
    if words not in _WORDLESS and "\n" not in words and len(words) <= 60:
        return words
    classifiers = [text for text in about.get_all("Classifier") or [] if text.startswith("License ::")]
    if classifiers:
        return ", ".join(text.rpartition(" :: ")[2] for text in classifiers)
    return ", ".join(dict.fromkeys(_from_files(distribution))) or "not stated"


def _from_files(distribution: importlib.metadata.Distribution) -> Iterator[str]:
    """Licences in ROS's package.xml, or by the beginning of the package's own licence file."""
    own = [file for file in distribution.files or [] if file.name in ("package.xml", "LICENSE")]
    for file in own:
        if file.name == "package.xml":
            tree = ElementTree.parse(str(distribution.locate_file(file)))
            yield from (str(item.text) for item in tree.findall("license"))
    if not any(file.name == "package.xml" for file in own):
        for file in (file for file in own if "_vendor" not in file.parts):
            text = Path(str(distribution.locate_file(file))).read_text(encoding="utf-8", errors="replace")
            yield from (name for start, name in _LICENCE_FILES if start in text)


def read_rows(page: str) -> dict[str, tuple[str, str]]:
    """Version and licence by project name, as the page has them."""
    table = page.partition(START)[2].partition(END)[0]
    rows = re.findall(r"^\| `([^`]+)` \| (\S+) \| (.+) \|$", table, re.MULTILINE)
    return {name: (version, licence) for name, version, licence in rows}


def current_rows(written: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """What the page should have, by project name.

    Args:
        written: What it has.
    """
    rows: dict[str, tuple[str, str]] = {}
    for name, versions in sorted(pinned().items()):
        licence = installed_licence(name)
        version = importlib.metadata.version(name) if licence is not None else ""
        before = written.get(name)
        if before is not None and before[0] in versions and before[0] != version:
            rows[name] = before  # written where another pinned version is installed
        elif licence is not None and version in versions:
            rows[name] = version, licence
        elif name in ELSEWHERE:
            rows[name] = max(versions), ELSEWHERE[name]
    return rows


def render(rows: dict[str, tuple[str, str]]) -> str:
    """The table as Markdown."""
    lines = [f"| `{name}` | {version} | {licence} |\n" for name, (version, licence) in rows.items()]
    return "| package | version read | licence |\n| --- | --- | --- |\n" + "".join(lines)


def main(arguments: list[str]) -> int:
    """Write the table, or with --check only say what is wrong with it."""
    page = PAGE.read_text(encoding="utf-8")
    written = read_rows(page)
    rows = current_rows(written)
    missing = sorted(pinned().keys() - rows.keys())
    stale = sorted(name for name in rows.keys() | written.keys() if rows.get(name) != written.get(name))
    for name in missing:
        print(f"{name}: pinned, and its licence is not known; run this where it is installed")
    if "--check" in arguments:
        for name in stale:
            print(f"{name}: the page has {written.get(name)}, expected {rows.get(name)}; run tools/list_licences.py")
        return 1 if missing or stale else 0
    before, after = page.partition(START)[0], page.partition(END)[2]
    PAGE.write_text(f"{before}{START}\n{render(rows)}\n{END}{after}", encoding="utf-8")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
