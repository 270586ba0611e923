"""Every command of the pages is run by a test or says why not, and every `trt-perception` line parses.

docs/results/ holds records of runs, which nobody is asked to repeat; their commands are not looked at.
"""

from __future__ import annotations

import argparse
import ast
import re
import shlex
from pathlib import Path

import pytest
import yaml
from helpers.page_commands import inline_commands, page_commands

from trt_perception.cli.main import VERBS, build_parser, verb_module

TESTS = Path(__file__).resolve().parents[1]
ROOT = TESTS.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "training").glob("*.md")),
    *sorted((ROOT / "trt_perception").rglob("*.md")),
]
TABLE = yaml.safe_load((Path(__file__).parent / "commands.yaml").read_text("utf-8"))
COMMANDS = [(str(page.relative_to(ROOT)), command) for page in PAGES for command in dict.fromkeys(page_commands(page))]
LISTED = [(page, command) for page, commands in TABLE.items() for command in commands]
OURS = [
    pytest.param(command, id=f"{page}:{number}")
    for number, (page, command) in enumerate(COMMANDS)
    if command.startswith("trt-perception ")
]
INLINE = sorted({command for page in PAGES for command in inline_commands(page)})


def test_every_command_is_listed_and_nothing_else_is() -> None:
    assert sorted(set(COMMANDS) - set(LISTED)) == [], (
        "list it in test/docs/commands.yaml: which test runs it, or why none"
    )
    assert sorted(set(LISTED) - set(COMMANDS)) == [], "no page has it any more: take it from test/docs/commands.yaml"


@pytest.mark.parametrize(("page", "command"), LISTED)
def test_a_command_names_a_test_that_is_there_or_a_reason(page: str, command: str) -> None:
    (key, value) = next(iter(TABLE[page][command].items()))
    assert len(TABLE[page][command]) == 1
    if key == "why":
        assert len(value.split()) > 3
        return
    assert key == "test"
    path, _, function = value.partition("::")
    text = (TESTS / path).read_text()
    names = {node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)}
    assert function in names or (not function and any(name.startswith("test_") for name in names))
    if command.startswith("trt-perception "):  # by name, or by the function that stands behind it
        assert command.split()[1].replace("-", "_") in text.replace("-", "_")


@pytest.mark.parametrize("command", OURS)
def test_the_parser_takes_it(command: str) -> None:
    _, verb, *arguments = shlex.split(command)
    parsed = build_parser(verb).parse_args([verb, *arguments])
    assert parsed.verb == verb


@pytest.mark.parametrize("command", INLINE)
def test_what_a_sentence_names_is_a_verb_with_such_options(command: str) -> None:
    _, verb, *arguments = command.split()
    assert verb in VERBS
    parser = argparse.ArgumentParser()
    verb_module(verb).add_arguments(parser)
    options = {*re.findall(r"--[\w-]+", parser.format_help()), "--help"}
    assert {argument.partition("=")[0] for argument in arguments if argument.startswith("--")} <= options


def test_make_targets_are_there() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {command.split()[1] for _, command in COMMANDS if command.startswith("make ")}
    assert named <= targets


@pytest.mark.parametrize("module", sorted({command.split()[2] for _, command in COMMANDS if " -m " in command[:12]}))
def test_modules_are_there(module: str) -> None:
    place = ROOT / module.replace(".", "/")
    assert place.with_suffix(".py").is_file() or (place / "__main__.py").is_file() or "." not in module
