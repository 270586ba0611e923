"""Writes the tables of docs/ from docs/results/*.json, so that a claim and its evidence cannot drift apart.

A page holds ``<!-- results: NAME -->`` and ``<!-- end of results -->``; what stands between them is replaced.

    python bench/render_tables.py            write the pages
    python bench/render_tables.py --check    exit 1 where a page is not what the results give
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MARKS = re.compile(r"(<!-- results: (?P<name>[\w-]+) -->\n).*?(<!-- end of results -->)", re.DOTALL)


def render(result: dict[str, Any]) -> str:
    """One result file as Markdown: question, table, goals, origin."""
    columns = result["columns"]
    lines = [result["question"], "", _row(columns.values()), _row("---" for _ in columns)]
    lines += [_row(_shown(row.get(key, "")) for key in columns) for row in result["rows"]]
    lines += ["", *(f"- {goal}" for goal in result["goals"])]
    machine = result["machine"]
    origin = f"{result['date']}, commit {result['commit']}, {machine['cpu']}, {machine['cores']} cores"
    return "\n".join([*lines, "", f"Measured {origin}, by `{result['command']}`.", ""])


def render_page(text: str, results: Path) -> str:
    """A page with its tables made anew."""

    def replaced(match: re.Match[str]) -> str:
        result = json.loads((results / f"{match['name']}.json").read_text())
        return f"{match[1]}{render(result)}{match[3]}"

    return MARKS.sub(replaced, text)


def _row(cells: Any) -> str:
    return "| " + " | ".join(cells) + " |"


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
    return str(value)


def main(arguments: list[str]) -> int:
    """Render every page, or with --check compare only."""
    stale = []
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        text = page.read_text()
        rendered = render_page(text, ROOT / "docs" / "results")
        if rendered != text:
            stale.append(page)
            if "--check" not in arguments:
                page.write_text(rendered)
    for page in stale:
        print(f"{page.relative_to(ROOT)}: {'differs from docs/results' if '--check' in arguments else 'written'}")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
