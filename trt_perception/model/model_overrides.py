"""What the user says of a model before the model is asked: heads, labels, sizes, preprocessing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from trt_perception.errors import ConfigError
from trt_perception.model.label_file import read_labels
from trt_perception.model.model_spec import HeadKind
from trt_perception.options.read_yaml import parse_yaml

ANY = ""
"""The name that stands for the only output or head of its kind."""


@dataclass(frozen=True, kw_only=True)
class ModelOverrides:
    """What is taken as given when an ONNX is recognised.

    Args:
        heads: Family by output name; `ANY` for whichever output fits. With names, exactly the named outputs are heads.
        labels: Class names by output or head name; `ANY` for the only head.
        shapes: Static shapes by input or output name, where the model leaves sizes open.
        preprocess: Fields of PreprocessOptions, as YAML has them, for every image input.
        name: Name of the model. Empty: that of the file.
    """

    heads: Mapping[str, HeadKind] = field(default_factory=dict)
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    preprocess: Mapping[str, object] = field(default_factory=dict)
    name: str = ""

    def __bool__(self) -> bool:
        return bool(self.heads or self.labels or self.shapes or self.preprocess or self.name)


def parse_overrides(
    *,
    head: Iterable[str] = (),
    labels: Iterable[str] = (),
    shape: Iterable[str] = (),
    preprocess: Iterable[str] = (),
    name: str = "",
) -> ModelOverrides:
    """Overrides as they stand on a command line; every option may be given several times.

    Args:
        head: `yolox` or `OUTPUT=yolox`.
        labels: Path of a label file, or `OUTPUT=PATH`.
        shape: `INPUT=1x3x640x640`.
        preprocess: `FIELD=VALUE`, e.g. `scale=1.0`, `channel_order=bgr`, `mean=0.5,0.5,0.5`.
        name: Name of the model.

    Raises:
        ConfigError: A text of another form, an unknown family, a label file that cannot be read.
    """
    return ModelOverrides(
        heads=dict(_head(text) for text in head),
        labels=dict(_labels(text) for text in labels),
        shapes=dict(_shape(text) for text in shape),
        preprocess=dict(_preprocess(text) for text in preprocess),
        name=name,
    )


def _head(text: str) -> tuple[str, HeadKind]:
    output, _, word = text.rpartition("=")
    try:
        return output, HeadKind(word)
    except ValueError:
        kinds = ", ".join(kind.value for kind in HeadKind)
        raise ConfigError("--head", f"expected one of {kinds}, or OUTPUT=KIND, got {text!r}") from None


def _labels(text: str) -> tuple[str, tuple[str, ...]]:
    output, equals, path = text.partition("=")
    if not equals or Path(text).exists():  # a path may hold the character too
        output, path = ANY, text
    return output, read_labels(Path(path))


def _shape(text: str) -> tuple[str, tuple[int, ...]]:
    match = re.fullmatch(r"(.+)=([1-9][0-9]{0,7}(?:[xX,][1-9][0-9]{0,7})*)", text)
    if match is None:
        raise ConfigError("--shape", f"expected NAME=SIZES such as images=1x3x640x640, got {text!r}")
    return match[1], tuple(int(size) for size in re.split("[xX,]", match[2]))


def _preprocess(text: str) -> tuple[str, object]:
    name, _, value = text.partition("=")
    if not name or not value:
        raise ConfigError("--preprocess", f"expected FIELD=VALUE such as scale=1.0, got {text!r}")
    is_bare_list = "," in value and not value.lstrip().startswith("[")
    return name, parse_yaml((f"[{value}]" if is_bare_list else value).encode(), where=f"--preprocess {name}")
