"""Writes the generated parts of the docs: tables of measurements and tables of options.

A page holds ``<!-- results: NAME -->`` (docs/results/NAME.json), ``<!-- results: NAME:TABLE -->`` (one of its tables),
``<!-- goals: NAME -->`` (its goals and origin alone), ``<!-- plot: NAME -->`` (docs/pictures/NAME.svg, where it was
made) or ``<!-- options: module:Class -->`` and, behind it, ``<!-- end -->``; what stands between them is replaced. In
cells of docs/faults.md ``<!-- times: KEYS -->`` does so within a line (tools/fault_times.py). So a claim and its
evidence, or an option and its description, cannot drift apart.

    python tools/render_docs.py            write the pages and config/schema/*.json
    python tools/render_docs.py --check    exit 1 where something is not what it would write
"""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools.fault_times import fault_times  # noqa: E402
from trt_perception.options.json_schema import json_schema  # noqa: E402

RESULTS = ROOT / "docs" / "results"
PICTURES = ROOT / "docs" / "pictures"
MARKS = re.compile(r"(<!-- (?P<kind>results|goals|options|plot): (?P<name>[\w.:-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
TIMES = re.compile(r"(<!-- times: (?P<keys>[^\n]+?) -->)[^\n]*?(<!-- end -->)")

SCHEMAS = {
    "perception.schema.json": "trt_perception.settings.perception_settings:PerceptionSettings",
    "model.schema.json": "trt_perception.model.model_spec:ModelSpec",
    "engine.schema.json": "trt_perception.engine.engine_options:EngineOptions",
    "gates.schema.json": "trt_perception.validate.gate_options:GateOptions",
    "precision.schema.json": "trt_perception.precision.precision_plan:PrecisionPlan",
    "report.schema.json": "trt_perception.validate.report:Report",
}


def render_page(text: str) -> str:
    """A page with its generated parts made anew."""

    def replaced(match: re.Match[str]) -> str:
        render = {"results": results_table, "goals": goals, "options": options_table, "plot": plot}[match["kind"]]
        return f"{match[1]}{render(match['name'])}{match[4]}"

    def timed(match: re.Match[str]) -> str:
        return f"{match[1]}{fault_times(match['keys'], results=RESULTS)}{match[3]}"

    return TIMES.sub(timed, MARKS.sub(replaced, text))


def results_table(name: str) -> str:
    """One result file, or one of its tables: question, table, goals, origin; what was never run says so."""
    file, _, table_name = name.partition(":")
    path = RESULTS / f"{file}.json"
    if not path.exists():
        return "Not run yet.\n"
    result = json.loads(path.read_text())
    if table_name and table_name not in result["tables"]:
        return "Not run yet.\n"
    if table_name:
        result.update(result["tables"][table_name])
    columns = result["columns"]
    rows = [[_number(row.get(key, "")) for key in columns] for row in result["rows"]]
    table = _table(columns.values(), rows)
    return f"{result['question']}\n\n{table}\n{_goals_and_origin(result)}"


def goals(name: str) -> str:
    """Goals and origin of a result file whose table stands elsewhere."""
    path = RESULTS / f"{name}.json"
    return _goals_and_origin(json.loads(path.read_text())) if path.exists() else "Not run yet.\n"


def _goals_and_origin(result: dict[str, Any]) -> str:
    machine = result["machine"]
    parts = [result["date"], f"commit {result['commit']}", machine["cpu"], f"{machine['cores']} cores"]
    device = (("", "gpu"), ("driver ", "driver"), ("TensorRT ", "tensorrt"))
    parts += [f"{title}{machine[key]}" for title, key in device if key in machine]
    lines = "".join(f"- {goal}\n" for goal in result["goals"])
    return f"{lines}\nMeasured {', '.join(parts)}: `{result['command']}`.\n"


def plot(name: str) -> str:
    """A picture out of docs/pictures, for pages of docs; nothing where it was not made yet."""
    words = name.replace("_", " ")
    return f"![{words}](pictures/{name}.svg)\n" if (PICTURES / f"{name}.svg").exists() else ""


def options_table(name: str) -> str:
    """The options of one dataclass: key, values, default, meaning."""
    schema = json_schema(_class(name))
    rows = [
        [f"`{key}`", _values(option), _default(key, option, schema["required"]), option["description"]]
        for key, option in schema["properties"].items()
    ]
    return _table(("key", "values", "default", "meaning"), rows)


def _class(name: str) -> type:
    module, _, attribute = name.partition(":")
    found: type = getattr(importlib.import_module(module), attribute)
    return found


def _values(option: dict[str, Any]) -> str:
    if "enum" in option:
        return ", ".join(f"`{value}`" for value in option["enum"])
    if "anyOf" in option:
        return " or ".join(_values(part) for part in option["anyOf"])
    if "minimum" in option and "maximum" in option:
        return f"{option['type']}, {option['minimum']:g} to {option['maximum']:g}"
    if "minimum" in option:
        return f"{option['type']}, at least {option['minimum']:g}"
    if "prefixItems" in option:
        return f"list of {len(option['prefixItems'])} {option['prefixItems'][0]['type']}s"
    return {"array": "list", "object": "mapping", "string": "text"}.get(option["type"], str(option["type"]))


def _default(key: str, option: dict[str, Any], required: list[str]) -> str:
    if key in required:
        return "required"
    value = option.get("default")
    if value in (None, "", [], {}):
        return "none"
    return "see below" if isinstance(value, dict) else f"`{json.dumps(value)}`"


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    header = list(header)
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _number(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
    return str(value)


def generated() -> Iterator[tuple[Path, str]]:
    """Every file with generated parts, and what should stand in it."""
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        yield page, render_page(page.read_text())
    for name, options in SCHEMAS.items():
        yield ROOT / "config" / "schema" / name, json.dumps(json_schema(_class(options)), indent=2) + "\n"


def main(arguments: list[str]) -> int:
    """Write what differs, or with --check only say so."""
    stale = [(path, text) for path, text in generated() if not path.is_file() or path.read_text() != text]
    check = "--check" in arguments
    for path, text in stale:
        print(f"{path.relative_to(ROOT)}: {'is not what tools/render_docs.py writes; run it' if check else 'written'}")
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return 1 if stale and check else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
