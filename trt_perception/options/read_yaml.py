"""A YAML file becomes plain values; what is wrong with it is named with file, line and column."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from trt_perception.errors import ConfigError
from trt_perception.options.yaml_core import ALLOWED_TAGS, MERGE_TAG, CoreLoader

MAX_BYTES = 2**20
"""Largest YAML file that is read: hundreds of times what a config needs."""
MAX_VALUES = 100_000
"""Most values of one file with every alias written out. Without it 400 bytes of nested aliases fill the memory."""


def read_yaml(path: Path) -> object:
    """The content of one YAML file (YAML 1.2 core schema: `no` is a text, `1e-3` a number).

    Returns:
        Mappings as dict, lists as list, scalars as str, int, float, bool or None; None for an empty file.

    Raises:
        ConfigError: The file is absent, unreadable, larger than 1 MiB, not YAML, holds several documents, a key twice,
            a tag, an alias inside itself, or aliases that multiply to more than 100,000 values.
    """
    return parse_yaml(_read_bytes(path), where=str(path))


def parse_yaml(data: bytes, *, where: str) -> object:
    """As `read_yaml`, from bytes that are already here.

    Args:
        data: The text, UTF-8 or UTF-16.
        where: File or source of the text, put before every error.
    """
    if len(data) > MAX_BYTES:
        raise ConfigError(where, f"expected a YAML file of at most {MAX_BYTES} bytes, got a larger one")
    try:
        loader = CoreLoader(data)
        node = loader.get_single_node()
        if node is None:
            return None
        _count(node, loader, where, {})
        return loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ConfigError(
            f"{where}:{mark.line + 1}:{mark.column + 1}" if mark else where, f"not valid YAML: {error.problem}"
        ) from error
    except yaml.YAMLError as error:  # wrong bytes or control characters: a position, but no line
        raise ConfigError(where, f"not valid YAML: {' '.join(str(error).split())}", "save it as UTF-8 text") from error
    except RecursionError as error:
        raise ConfigError(where, "lists or mappings are nested too deeply") from error


def _read_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError(str(path), "no such file", "check the path") from None
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL in it
        raise ConfigError(str(path), f"cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _count(node: Node, loader: CoreLoader, where: str, known: dict[int, int]) -> int:
    """Number of values below and with `node`, aliases written out; refuses tags, double keys and cycles on the way."""
    if id(node) in known:
        if known[id(node)] == 0:
            _refuse(node, where, "an alias refers to the list or mapping that it stands in")
        return known[id(node)]
    known[id(node)] = 0
    if node.tag not in ALLOWED_TAGS:
        _refuse(node, where, f"the tag {node.tag!r} is not allowed", "write plain values")
    total = 1
    if isinstance(node, SequenceNode):
        total += sum(_count(item, loader, where, known) for item in node.value)
    elif isinstance(node, MappingNode):
        _refuse_double_keys(node, loader, where)
        total += sum(_count(part, loader, where, known) for pair in node.value for part in pair)
    if total > MAX_VALUES:
        _refuse(node, where, f"expected at most {MAX_VALUES} values with all aliases written out, got more")
    known[id(node)] = total
    return total


def _refuse_double_keys(node: MappingNode, loader: CoreLoader, where: str) -> None:
    lines: dict[object, int] = {}
    for key_node, _ in node.value:
        if not isinstance(key_node, ScalarNode):
            _refuse(key_node, where, "expected a word as key, got a list or a mapping")
        if key_node.tag not in ALLOWED_TAGS:
            continue  # refused by _count, which visits the key next
        key = "<<" if key_node.tag == MERGE_TAG else loader.construct_object(key_node)
        if key in lines:
            _refuse(key_node, where, f"the key {key!r} stands here and in line {lines[key]}", "keep one of them")
        lines[key] = key_node.start_mark.line + 1


def _refuse(node: Node, where: str, problem: str, remedy: str = "") -> NoReturn:
    raise ConfigError(f"{where}:{node.start_mark.line + 1}:{node.start_mark.column + 1}", problem, remedy)
