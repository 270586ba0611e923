"""How a run names the model that it ran."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from trt_perception.engine.manifest import read_manifest
from trt_perception.errors import MissingError
from trt_perception.options.json_schema import to_plain
from trt_perception.runtime.any_pipeline import AnyPipeline
from trt_perception.validate.run_header import RunModel


def run_model(pipeline: AnyPipeline) -> RunModel:
    """Name, digests, runtime and precision of a model; of an engine where one is run.

    Args:
        pipeline: Opened. What stands in brackets in its name (threads, GPU, notes) is left out.

    Raises:
        MissingError: The model's file is not there.
        EngineError: The engine's manifest cannot be used.
    """
    spec, engine, precision = pipeline.spec, pipeline.engine, None
    if engine is not None:
        plan = read_manifest(engine).precision_plan
        precision = plan.name if plan is not None else None
    plain = {key: value for key, value in to_plain(spec).items() if key != "model"}
    text = json.dumps(plain, sort_keys=True, ensure_ascii=False)
    return RunModel(
        name=spec.name,
        sha256=_file_sha256(engine or Path(spec.model)),
        spec_sha256=hashlib.sha256(text.encode()).hexdigest(),
        backend=pipeline.name.partition(" (")[0],
        precision=precision or None,
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
