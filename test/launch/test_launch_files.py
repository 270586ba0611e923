"""The launch files as texts: what can be checked where ROS's launch is not installed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "launch"

FILES = sorted(FOLDER.glob("*.py"))


@pytest.fixture(params=FILES, ids=lambda file: file.name)
def tree(request: pytest.FixtureRequest) -> ast.Module:
    # The grammar of Humble's Python, whatever runs the tests.
    return ast.parse(request.param.read_text(), filename=str(request.param), feature_version=(3, 10))


def test_names_are_those_that_ros2_launch_completes() -> None:
    assert {"perception.launch.py", "replay.launch.py", "demo.launch.py"} == {file.name for file in FILES}
    assert all(file.name.endswith(".launch.py") for file in FILES)


def test_every_file_makes_a_launch_description(tree: ast.Module) -> None:
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}

    assert functions["generate_launch_description"].args.args == []


def test_every_argument_is_described_by_a_sentence(tree: ast.Module) -> None:
    calls = list(_declared(tree))

    assert calls
    for call in calls:
        keywords = {keyword.arg: keyword.value for keyword in call.keywords}
        name = ast.literal_eval(call.args[0])
        assert "description" in keywords, name
        description = ast.literal_eval(keywords["description"])
        assert len(description) > 15, name
        assert description.endswith("."), name
        assert description[0].isupper(), name


def test_every_argument_that_is_read_is_declared(tree: ast.Module) -> None:
    """A name that is misspelt where it is read would only fail at launch, as a KeyError."""
    # The arguments of the node's file are also the replay's.
    node_file = ast.parse((FOLDER / "perception.launch.py").read_text())
    declared = {ast.literal_eval(call.args[0]) for module in (tree, node_file) for call in _declared(module)}
    read = {
        ast.literal_eval(node.slice)
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Name)
        and node.value.id == "arguments"
        and isinstance(node.slice, ast.Constant)
    }

    assert read
    assert read <= declared


def _declared(tree: ast.Module) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "DeclareLaunchArgument":
            yield node
