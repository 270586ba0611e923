"""How a run names the model that it ran."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from trt_perception.errors import MissingError
from trt_perception.model.model_spec import ModelSpec
from trt_perception.options.json_schema import to_plain
from trt_perception.validate.run_header import RunModel


def run_model(spec: ModelSpec, *, backend: str, precision: str | None = None) -> RunModel:
    """Name, digests and runtime of a model.

    Args:
        spec: The model, its path absolute.
        backend: Name of the opened backend; what stands in brackets (threads, notes) changes no result and is left out.
        precision: Name of its precision plan, where that is known.

    Raises:
        MissingError: The model's file is not there.
    """
    plain = {key: value for key, value in to_plain(spec).items() if key != "model"}
    text = json.dumps(plain, sort_keys=True, ensure_ascii=False)
    return RunModel(
        name=spec.name,
        sha256=_file_sha256(Path(spec.model)),
        spec_sha256=hashlib.sha256(text.encode()).hexdigest(),
        backend=backend.partition(" (")[0],
        precision=precision,
    )


def _file_sha256(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(2**20):
                digest.update(block)
    except OSError as error:
        raise MissingError(f"model {path} cannot be read: {error.strerror or error}", "check its path") from error
    return digest.hexdigest()
