"""Everything that `trt-perception inspect` says of an ONNX."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trt_perception.errors import ConfigError
from trt_perception.model.model_overrides import ModelOverrides
from trt_perception.model.model_spec import ModelSpec
from trt_perception.model.onnx_model import OnnxModel
from trt_perception.model.problem import Problem
from trt_perception.model.read_onnx import read_onnx
from trt_perception.model.recognise import RecognisedHead, Recognition, recognise
from trt_perception.model.tensor_info import TensorInfo
from trt_perception.options.json_schema import to_plain


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """One ONNX file, and what it was recognised as.

    Args:
        path: Where it lies, absolute.
        file_bytes: Size of the file; external weights not included.
        sha256: Digest of the file; external weights not included.
        producer: Program that wrote it.
        ir_version: Version of the file format.
        opsets: Version of each operator set by domain; `ai.onnx` is the standard one.
        metadata: metadata_props.
        inputs: As announced, with the shapes that were given.
        outputs: As announced, with inferred sizes.
        operators: Number of nodes of each type, most frequent first.
        weights: Bytes of weights by element type.
        parameters: Number of weights.
        external_files: Files beside the model that hold weights.
        heads: The heads, each with the reason.
        assumptions: What nothing in the file says and was taken for granted.
        problems: What keeps the model from being used; empty where it can be.
        spec: What `load_spec` gives; None where there are problems.
    """

    path: str
    file_bytes: int
    sha256: str
    producer: str
    ir_version: int
    opsets: Mapping[str, int]
    metadata: Mapping[str, str]
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    operators: Mapping[str, int]
    weights: Mapping[str, int]
    parameters: int
    external_files: tuple[str, ...]
    heads: tuple[RecognisedHead, ...]
    assumptions: tuple[str, ...]
    problems: tuple[Problem, ...]
    spec: ModelSpec | None

    def to_plain(self) -> dict[str, Any]:
        """All of it as JSON knows it."""
        plain: dict[str, Any] = to_plain(self)
        return plain


def inspect_model(path: Path, *, overrides: ModelOverrides | None = None) -> Inspection:
    """Look at an ONNX; a model that cannot be used is described too, with the problems.

    Args:
        path: The file.
        overrides: What to take as given. None: nothing.

    Raises:
        ModelError: No such file, or not an ONNX.
        ConfigError: An override is wrong.
        MissingError: The onnx package is not installed.
    """
    model = read_onnx(Path(path), shapes=overrides.shapes if overrides else None)
    return _inspection(model, _recognition(model, overrides))


def _recognition(model: OnnxModel, overrides: ModelOverrides | None) -> Recognition:
    try:
        return recognise(model, overrides)
    except ConfigError as error:
        if not error.where.startswith("metadata "):
            raise
        return Recognition(spec=None, problems=(Problem(text=str(error), remedy="export the model again"),))


def _inspection(model: OnnxModel, recognition: Recognition) -> Inspection:
    return Inspection(
        path=str(model.path),
        file_bytes=model.path.stat().st_size,
        sha256=_digest(model.path),
        producer=model.producer,
        ir_version=model.ir_version,
        opsets=model.opsets,
        metadata=model.metadata,
        inputs=model.inputs,
        outputs=model.outputs,
        operators=dict(Counter(node.op_type for node in model.nodes).most_common()),
        weights=model.weights,
        parameters=model.parameters,
        external_files=model.external_files,
        heads=recognition.heads,
        assumptions=recognition.assumptions,
        problems=recognition.problems,
        spec=recognition.spec,
    )


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()
