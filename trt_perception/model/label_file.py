"""Names of a model's classes out of a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from trt_perception.errors import ConfigError
from trt_perception.options.read_yaml import MAX_BYTES, read_yaml


def read_labels(path: Path) -> tuple[str, ...]:
    """The labels of a file, in the model's order.

    - `.txt`, `.names`: one label a line;
    - `.yaml`, `.yml`: a list, a mapping from class number to label, or a mapping with either under `names` (the other
      keys of a dataset YAML are not read).

    Raises:
        ConfigError: The file is absent or of another kind, a line is empty, a number is missing, or there is no label.
    """
    path = Path(path)
    if path.suffix in (".yaml", ".yml"):
        labels = _from_yaml(path)
    elif path.suffix in (".txt", ".names"):
        labels = _from_lines(path)
    else:
        raise ConfigError(
            str(path), f"expected a label file .yaml, .yml, .txt or .names, got {path.suffix or 'none'!r}"
        )
    if not labels:
        raise ConfigError(str(path), "expected at least one label, got none")
    return labels


def _from_lines(path: Path) -> tuple[str, ...]:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        text = data.decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(str(path), "no such label file", "check the path") from None
    except OSError as error:
        raise ConfigError(str(path), f"cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), f"expected UTF-8 text, got other bytes at {error.start}") from error
    if len(data) > MAX_BYTES:
        raise ConfigError(str(path), f"expected at most {MAX_BYTES} bytes of labels, got more")
    lines = [line.strip() for line in text.rstrip().splitlines()]
    if "" in lines:
        raise ConfigError(
            str(path), f"line {lines.index('') + 1} is empty", "remove it: line numbers are the class numbers"
        )
    return tuple(lines)


def _from_yaml(path: Path) -> tuple[str, ...]:
    content = read_yaml(path)
    if isinstance(content, Mapping) and "names" in content:
        content = content["names"]
    if isinstance(content, Mapping):
        numbers = [number for number in content if isinstance(number, int)]
        if sorted(numbers) != list(range(len(content))):
            raise ConfigError(str(path), f"expected class numbers 0 to {len(content) - 1} as keys, got others")
        content = [content[number] for number in range(len(content))]
    if not isinstance(content, list):
        raise ConfigError(str(path), "expected a list of labels, or a mapping from class number to label")
    for number, label in enumerate(content):
        if not isinstance(label, (str, int)) or isinstance(label, bool) or not str(label).strip():
            raise ConfigError(str(path), f"label {number}: expected a text, got {label!r}", "put it in quotes")
    return tuple(str(label).strip() for label in content)
