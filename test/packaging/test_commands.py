"""What CONTRIBUTING.md says a command does is what the Makefile does."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMANDS = ["python -m ruff check .", "python -m mypy", 'python tools/run_tests.py -m "not soak and not gpu"']


def recipe(target: str) -> str:
    """What make would run."""
    command = ["make", "--dry-run", "--no-print-directory", target]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def targets() -> list[str]:
    """The targets that `make` lists."""
    return re.findall(r"^([a-z0-9-]+):.*## ", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_contributing_and_make_test_name_the_same_commands(command: str) -> None:
    documented = [line.strip() for line in (ROOT / "CONTRIBUTING.md").read_text().splitlines()]

    assert command in documented
    assert re.search(rf"{re.escape(command)}(?: |$)", recipe("test"), flags=re.MULTILINE)


def test_make_without_a_target_lists_every_target() -> None:
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert [f"make {target}" for target in targets()] == re.findall(r"make [a-z0-9-]+", listed)


@pytest.mark.parametrize(
    ("variables", "arguments"),
    [
        pytest.param([], "demo", id="alone"),
        pytest.param(["MODEL=a b.onnx", "IMAGES=c d"], "demo --model 'a b.onnx' --images 'c d'", id="model_and_images"),
    ],
)
def test_demo_passes_model_and_images_on(variables: list[str], arguments: str) -> None:
    command = ["make", "--dry-run", "demo", *variables]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert f"trt-perception {arguments}" in " ".join(printed.split())


def test_ci_runs_both_rows() -> None:
    assert re.findall(r"^make (\S+)", (ROOT / ".ci" / "run").read_text(), flags=re.MULTILINE) == ["test", "test-numpy1"]
