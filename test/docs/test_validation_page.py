"""The page about validation: its commands parse, its gates load, its sample opens anywhere."""

from __future__ import annotations

import re
import shlex
import textwrap
from collections import Counter
from pathlib import Path

from helpers.html_page import check_stands_alone

from trt_perception.cli.main import build_parser
from trt_perception.validate.gate_options import MissingPolicy, load_gates

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "validation.md").read_text("utf-8")
MAX_BYTES = 400_000


def test_the_commands_are_ones_that_the_parser_takes() -> None:
    commands = re.findall(r"^    trt-perception (.*)$", PAGE, re.MULTILINE)
    verbs = Counter(build_parser().parse_args(shlex.split(command)).verb for command in commands)
    assert verbs["validate"] >= 5
    assert set(verbs) == {"validate", "detect", "calibrate", "replay", "compare-live"}


def test_the_example_of_gates_loads(tmp_path: Path) -> None:
    text = re.search(r"^    name: release\n(?:    .*\n)+", PAGE, re.MULTILINE)
    assert text is not None
    path = tmp_path / "release.yaml"
    path.write_text(textwrap.dedent(text[0]))
    gates = load_gates(path)
    assert (gates.name, gates.missing) == ("release", MissingPolicy.FAIL)
    assert gates.absolute.min_condition_map50 == {"night": 0.8}


def test_the_sample_stands_alone_and_is_small() -> None:
    sample = DOCS / "validation_report.html"
    assert sample.stat().st_size < MAX_BYTES
    page = check_stands_alone(sample.read_text("utf-8"))
    for words in ("Failed", "Against the baseline", "Worst frames"):
        assert words in page.text
    assert page.named("img")
