"""A ModelSpec out of the model's YAML, or out of the ONNX itself."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from trt_perception.errors import ConfigError, ModelError
from trt_perception.model.embedded_spec import check_schema
from trt_perception.model.label_file import read_labels
from trt_perception.model.model_overrides import ModelOverrides
from trt_perception.model.model_spec import HeadSpec, ModelSpec
from trt_perception.model.paths import absolute, is_file
from trt_perception.model.read_onnx import read_onnx
from trt_perception.model.recognise import recognise
from trt_perception.model.spec_problems import check_spec
from trt_perception.options.from_mapping import from_mapping
from trt_perception.options.read_yaml import read_yaml

YAML_SUFFIXES = (".yaml", ".yml")


def load_spec(path: Path, *, overrides: ModelOverrides | None = None) -> ModelSpec:
    """The description of one model; its paths absolute, its labels read.

    Args:
        path: The model's YAML, format 1 (which needs no onnx package), or an ONNX, which is recognised.
        overrides: What to take as given when an ONNX is recognised. None: nothing. A YAML says everything itself.

    Raises:
        ConfigError: The YAML is absent, not YAML, of a newer format, or has a wrong setting; the label file or the
            model it names is absent; overrides with a YAML.
        ModelError: The model cannot be used: no image input, open sizes, a head that is unknown, ambiguous or not
            supported, a class count that does not fit the labels.
        MissingError: An ONNX was given and the onnx package is not installed.
    """
    path = absolute(path)
    if path.suffix.lower() not in YAML_SUFFIXES:
        return _from_onnx(path, overrides or ModelOverrides())
    if overrides:
        raise ConfigError(str(path), "heads, labels, shapes and preprocessing stand in this file", "change them there")
    return check_spec(_from_yaml(path))


def _from_onnx(path: Path, overrides: ModelOverrides) -> ModelSpec:
    recognition = recognise(read_onnx(path, shapes=overrides.shapes), overrides)
    if recognition.spec is None:
        first, *more = recognition.problems
        also = "".join(f"; also: {problem.text}" for problem in more)
        raise ModelError(str(path), first.text, first.remedy + also)
    return recognition.spec


def _from_yaml(path: Path) -> ModelSpec:
    data = read_yaml(path)
    check_schema(data, str(path))
    spec = from_mapping(ModelSpec, data, where=str(path))
    model = absolute(spec.model, folder=path.parent)
    if not is_file(model):
        raise ConfigError(f"{path}: model", f"no file {model}", "give the model's path, relative to this file")
    heads = tuple(_with_labels(head, path, index) for index, head in enumerate(spec.heads))
    return dataclasses.replace(spec, model=str(model), heads=heads)


def _with_labels(head: HeadSpec, path: Path, index: int) -> HeadSpec:
    if not head.labels_file:
        return head
    where = f"{path}: heads[{index}].labels_file"
    if head.labels:
        raise ConfigError(where, "expected labels or labels_file, got both", "keep one of them")
    file = absolute(head.labels_file, folder=path.parent)
    try:
        labels = read_labels(file)
    except ConfigError as error:
        raise ConfigError(where, str(error)) from error
    return dataclasses.replace(head, labels=labels, labels_file="")
