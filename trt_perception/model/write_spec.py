"""A ModelSpec as a YAML file that people read and edit."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from trt_perception.errors import ConfigError
from trt_perception.model.model_spec import ModelSpec
from trt_perception.model.paths import absolute
from trt_perception.options.json_schema import to_plain
from trt_perception.options.write_atomically import write_atomically
from trt_perception.options.yaml_core import CoreDumper

_HEADER = """\
# What trt_perception knows of one model: inputs and how images become them, outputs, and what the outputs mean.
# Paths are relative to this file. Another value of preprocess, inputs or outputs means another engine.
"""


def write_spec(spec: ModelSpec, path: Path, *, overwrite: bool = False, notes: Iterable[str] = ()) -> None:
    """Write a spec so that `load_spec` gives it back unchanged.

    Args:
        spec: The model.
        path: The YAML to make.
        overwrite: Whether an existing file may be replaced.
        notes: Sentences put into the header as comments, such as what was assumed.

    Raises:
        ConfigError: The file exists already, or cannot be written. Nothing half-written is left.
    """
    path = absolute(path)
    if path.exists() and not overwrite:
        raise ConfigError(str(path), "the file exists already", "give another name, or ask to overwrite it")
    try:
        write_atomically(path, spec_text(spec, folder=path.parent, notes=notes).encode())
    except OSError as error:
        raise ConfigError(str(path), f"cannot be written: {error.strerror or error}") from error


def spec_text(spec: ModelSpec, *, folder: Path, notes: Iterable[str] = ()) -> str:
    """The YAML text of a spec for a file in `folder`."""
    content = to_plain(spec)
    model = os.path.relpath(absolute(spec.model), os.path.realpath(folder))
    content["model"] = f"./{model}" if model.startswith("~") else model
    for head in content["heads"]:
        _drop_empty(head, "labels_file", "labels")
    comments = "".join(f"# Note: {' '.join(note.split())}\n" for note in notes)
    body = yaml.dump(content, Dumper=CoreDumper, sort_keys=False, allow_unicode=True, width=110)
    return f"{_HEADER}{comments}{body}"


def _drop_empty(content: dict[str, Any], *keys: str) -> None:
    for key in keys:
        if not content[key]:
            del content[key]
