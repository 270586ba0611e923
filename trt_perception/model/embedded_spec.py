"""Our own metadata in an ONNX: a model that carries it is recognised wholly, with nothing assumed.

The file has one metadata_props entry, key `trt_perception.spec`, value JSON:

    {"schema": 1, "name": ..., "inputs": [{"name": ..., "preprocess": {...}}], "heads": [{...}]}

with `preprocess` as PreprocessOptions and each head as HeadSpec in the model YAML. Shapes and types are the ONNX's own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from trt_perception.errors import ConfigError
from trt_perception.model.model_spec import SCHEMA, HeadSpec, ModelSpec
from trt_perception.model.preprocess_options import PreprocessOptions
from trt_perception.options.from_mapping import from_mapping
from trt_perception.options.json_schema import to_plain
from trt_perception.options.option import option

SPEC_KEY = "trt_perception.spec"
"""Key of the metadata_props entry."""


@dataclass(frozen=True, kw_only=True)
class EmbeddedInput:
    """How an image becomes one input."""

    name: str = option(description="Tensor name.")
    preprocess: PreprocessOptions = option(PreprocessOptions(), description="How an image becomes this tensor.")


@dataclass(frozen=True, kw_only=True)
class EmbeddedSpec:
    """What the ONNX says of itself."""

    schema: int = option(SCHEMA, description="Number of the format.")
    name: str = option("", description="Name of the model. Empty: that of the file.")
    inputs: tuple[EmbeddedInput, ...] = option(description="How images become the inputs.")
    heads: tuple[HeadSpec, ...] = option(description="What the outputs mean.")


def embedded_spec(metadata: Mapping[str, str]) -> EmbeddedSpec | None:
    """Read our entry of metadata_props; None where there is none.

    Raises:
        ConfigError: The entry is no JSON, of a newer format, or does not fit; or it names a label file: a model has no
            business in the file system of whoever loads it.
    """
    text = metadata.get(SPEC_KEY)
    if text is None:
        return None
    where = f"metadata {SPEC_KEY}"
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(where, f"not valid JSON: {error}", "export the model again") from error
    check_schema(data, where)
    spec = from_mapping(EmbeddedSpec, data, where=where)
    for head in spec.heads:
        if head.labels_file:
            raise ConfigError(where, f"head {head.name!r} names a labels_file", "write the labels into the model")
    return spec


def spec_metadata(spec: ModelSpec) -> dict[str, str]:
    """The metadata_props entry for a model, e.g. for `onnx.helper.set_model_props`."""
    embedded = EmbeddedSpec(
        name=spec.name,
        inputs=tuple(EmbeddedInput(name=item.name, preprocess=item.preprocess) for item in spec.inputs),
        heads=spec.heads,
    )
    return {SPEC_KEY: json.dumps(to_plain(embedded), separators=(",", ":"))}


def check_schema(data: object, where: str) -> None:
    """Refuse a newer format before its unknown keys confuse the reader.

    Raises:
        ConfigError: The number is larger than ours, or none at all.
    """
    number = data.get("schema", SCHEMA) if isinstance(data, Mapping) else SCHEMA
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise ConfigError(where, f"schema: expected a whole number from 1, got {number!r}")
    if number > SCHEMA:
        raise ConfigError(where, f"schema: expected at most {SCHEMA}, got {number}", "update trt_perception")
