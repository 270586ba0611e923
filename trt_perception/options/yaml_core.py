"""YAML as YAML 1.2's core schema reads it, for files that people write and editors check against a JSON schema.

PyYAML resolves plain words by YAML 1.1: `no` and `on` are booleans, `1e-3` is a text, `010` is eight and `12:30` is
seven hundred and fifty. A label called `no` or a factor of `1e-3` must mean what it says, so reader and writer share
the resolvers of this file (https://yaml.org/spec/1.2.2/#103-core-schema).
"""

from __future__ import annotations

import re
from typing import Any

import yaml
from yaml.constructor import ConstructorError
from yaml.nodes import MappingNode, Node, ScalarNode

_PREFIX = "tag:yaml.org,2002:"
MERGE_TAG = _PREFIX + "merge"

_RESOLVERS: tuple[tuple[str, str, str], ...] = (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("float", r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", "-+."),
    ("null", r"~|null|Null|NULL|", "~nN"),
    ("merge", r"<<", "<"),
)
"""Tag, pattern of the whole word, and the characters that such a word can begin with."""

ALLOWED_TAGS = frozenset(_PREFIX + tag for tag in ("bool", "int", "float", "null", "merge", "str", "seq", "map"))


_MAX_DIGITS = 100
"""Longest whole number that is read; Python refuses to print those of thousands of digits."""


class CoreLoader(yaml.SafeLoader):
    """A safe loader with the core schema's words. Duplicate keys and sizes are checked by `read_yaml`."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  PyYAML's own class attribute


class CoreDumper(yaml.SafeDumper):
    """A dumper that quotes every text that `CoreLoader`, or a YAML 1.1 reader, would take for something else."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012

    def ignore_aliases(self, data: Any) -> bool:
        """Write every value out: people read and edit these files."""
        return True


def _construct_int(loader: CoreLoader, node: ScalarNode) -> int:
    text = _text(loader, node)
    try:
        if len(text) > _MAX_DIGITS:
            raise ValueError(text)
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
    except ValueError:
        raise ConstructorError(None, None, f"not a whole number: {text[:40]!r}", node.start_mark) from None


def _construct_float(loader: CoreLoader, node: ScalarNode) -> float:
    text = _text(loader, node).lower()
    try:
        return float(text.replace(".inf", "inf") if text.endswith(".inf") else text.replace(".nan", "nan"))
    except ValueError:
        raise ConstructorError(None, None, f"not a number: {text[:40]!r}", node.start_mark) from None


def _construct_bool(loader: CoreLoader, node: ScalarNode) -> bool:
    text = _text(loader, node)
    if text.lower() not in ("true", "false"):
        raise ConstructorError(None, None, f"neither true nor false: {text[:40]!r}", node.start_mark)
    return text.lower() == "true"


def _text(loader: CoreLoader, node: ScalarNode) -> str:
    """The word of a node; a tag such as `!!int` may stand before a list or a mapping, which is refused."""
    return str(loader.construct_scalar(node))


_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)*")
_YAML_1_1_WORDS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))


def _represent_str(dumper: CoreDumper, text: str) -> Node:
    plain = _PLAIN.fullmatch(text) and text.lower() not in _YAML_1_1_WORDS
    return dumper.represent_scalar(_PREFIX + "str", text, style=None if plain else '"')


def _represent_sequence(dumper: CoreDumper, items: list[Any] | tuple[Any, ...]) -> Node:
    # Shapes, colours and a word or two read best on one line, label lists and mappings below each other.
    flow = all(isinstance(item, (int, float)) for item in items) or (len(items) < 4 and _are_words(items))
    return dumper.represent_sequence(_PREFIX + "seq", items, flow_style=flow)


def _are_words(items: list[Any] | tuple[Any, ...]) -> bool:
    return all(isinstance(item, str) for item in items)


def _represent_mapping(dumper: CoreDumper, items: dict[str, Any]) -> MappingNode:
    return dumper.represent_mapping(_PREFIX + "map", items.items(), flow_style=False)


def _represent_float(dumper: CoreDumper, value: float) -> Node:
    special = {"inf": ".inf", "-inf": "-.inf", "nan": ".nan"}
    text = repr(value)
    if "e" in text and "." not in text:
        text = text.replace("e", ".0e")  # a YAML 1.1 reader takes 1e-05 for a text
    return dumper.represent_scalar(_PREFIX + "float", special.get(text, text))


for _class in (CoreLoader, CoreDumper):
    for _tag, _pattern, _first in _RESOLVERS:
        _class.add_implicit_resolver(_PREFIX + _tag, re.compile(f"^(?:{_pattern})$"), [*_first, ""])

CoreLoader.add_constructor(_PREFIX + "int", _construct_int)
CoreLoader.add_constructor(_PREFIX + "float", _construct_float)
CoreLoader.add_constructor(_PREFIX + "bool", _construct_bool)
CoreDumper.add_representer(str, _represent_str)
CoreDumper.add_representer(list, _represent_sequence)
CoreDumper.add_representer(tuple, _represent_sequence)
CoreDumper.add_representer(dict, _represent_mapping)
CoreDumper.add_representer(float, _represent_float)
