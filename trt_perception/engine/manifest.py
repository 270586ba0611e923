"""What a plan is: made from what, by what, for what; kept as JSON beside it."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trt_perception.engine.engine_files import EngineFiles
from trt_perception.engine.engine_options import EngineOptions
from trt_perception.engine.engine_results import AccuracyResult, LatencyResult
from trt_perception.engine.gpu_identity import GpuIdentity
from trt_perception.engine.tensorrt_module import TensorRtIdentity
from trt_perception.errors import ConfigError, EngineError, PerceptionError
from trt_perception.model.model_spec import ModelSpec
from trt_perception.model.spec_problems import check_spec
from trt_perception.options.from_mapping import from_mapping
from trt_perception.options.json_schema import to_plain
from trt_perception.options.limited_file import MAX_JSON_BYTES
from trt_perception.options.option import option
from trt_perception.precision.model_digest import joint_sha256
from trt_perception.precision.precision_plan import PrecisionPlan

SCHEMA = 1
"""Number of the manifest's format. A newer number than this is refused."""

MAX_BYTES = MAX_JSON_BYTES
"""Largest manifest that is read: hundreds of times what a network of thousands of layers needs."""


@dataclass(frozen=True, kw_only=True)
class BuildRecord:
    """How the build went."""

    seconds: float = option(description="Time that TensorRT took, s.", minimum=0)
    timing_cache: str = option(description="What became of the timing cache: none, accepted, refused or made.")


@dataclass(frozen=True, kw_only=True)
class VerificationRecord:
    """What the finished engine says of the nodes of the graph, beside what was planned for them."""

    honoured: tuple[str, ...] = option((), description="Nodes that compute as planned.")
    not_honoured: Mapping[str, str] = option(
        description="Nodes that compute in another precision, and in which.", default_factory=dict
    )
    undetermined: Mapping[str, str] = option(
        description="Nodes of which the engine does not tell, and why.", default_factory=dict
    )
    wider: Mapping[str, str] = option(
        description="Honoured nodes that compute in more than was planned, and in what.", default_factory=dict
    )


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What one plan is. Every path is relative to the engine's folder, so that the files can be moved together.

    Raises:
        ConfigError: A digest is none, a path cannot be one, or the model's digest is not that of its files.
    """

    schema: int = option(SCHEMA, description="Number of this file's format.", minimum=1)
    created: str = option(description="When it was built or adopted, ISO 8601.")
    plan_sha256: str = option(description="sha256 of the plan, hexadecimal.")
    plan_bytes: int = option(description="Size of the plan.", minimum=1)
    model_file: str = option("", description="The ONNX that it was built from. Empty: not known.")
    model_files: Mapping[str, str] = option(
        description="sha256 of the ONNX and of the weight files beside it, by name relative to the ONNX's folder.",
        default_factory=dict,
    )
    model_sha256: str = option("", description="Digest of all of these. Empty: not known.")
    graph_sha256: str = option("", description="sha256 of the mixed-precision graph. Empty: not known.")
    calibration_file: str = option("", description="The calibration table. Empty: there was none.")
    calibration_digest: str = option("", description="Digest of what the table says. Empty: there was none.")
    precision_plan: PrecisionPlan | None = option(None, description="Precisions by region. None: not known.")
    emitter: str = option("", description="How the plan was written into the graph. Empty: not known.")
    tensorrt: TensorRtIdentity = option(description="What built it.")
    gpu: GpuIdentity = option(description="What it was built on and for.")
    options: EngineOptions | None = option(None, description="Settings of the builder. None: not known.")
    plugins: Mapping[str, str] = option(description="sha256 of each plugin library, by its path.", default_factory=dict)
    spec: ModelSpec = option(description="Inputs, preprocessing, outputs, heads and labels; `model` is the plan.")
    build: BuildRecord | None = option(None, description="How the build went. None: not known.")
    verification: VerificationRecord | None = option(None, description="Precision by layer. None: nobody looked.")
    accuracy: AccuracyResult | None = option(None, description="Beside FP32. None: not measured.")
    latency: LatencyResult | None = option(None, description="Speed and memory. None: not measured.")
    adopted: bool = option(False, description="Whether the plan was made elsewhere, and nobody verified its precision.")
    key: str = option("", description="Digest of all that decides what is built (`engine_key`). Empty: adopted.")

    def __post_init__(self) -> None:
        _check_digest("plan_sha256", self.plan_sha256)
        for name in ("model_sha256", "graph_sha256", "calibration_digest", "key"):
            _check_digest(name, getattr(self, name), or_empty=True)
        for name in ("model_files", "plugins"):
            for path, digest in getattr(self, name).items():
                _check_path(name, path)
                _check_digest(f"{name}.{path}", digest)
        for name in ("model_file", "calibration_file"):
            _check_path(name, getattr(self, name), or_empty=True)
        expected = joint_sha256(self.model_files) if self.model_files else ""
        if self.model_sha256 != expected:
            raise ConfigError("model_sha256", f"expected {expected!r} by model_files, got {self.model_sha256!r}")

    def plugin_paths(self, folder: Path) -> dict[str, str]:
        """sha256 of each plugin library by its path, for an engine in that folder."""
        return {str(folder / name): digest for name, digest in self.plugins.items()}

    def to_plain(self) -> dict[str, Any]:
        """Everything as JSON knows it; `spec.model` without its folder."""
        plain: dict[str, Any] = to_plain(self)
        plain["spec"]["model"] = Path(self.spec.model).name
        return plain

    def to_json(self) -> bytes:
        """The file's content."""
        return (json.dumps(self.to_plain(), indent=2, allow_nan=False, ensure_ascii=False) + "\n").encode()


def read_manifest(engine: Path) -> Manifest:
    """The manifest beside an engine, itself checked, the plan not: see `load_engine_file`. Needs no onnx, no TensorRT.

    Format 1: an object of the fields of `Manifest`.

    Args:
        engine: The plan, e.g. `front.engine`; its manifest is `front.engine.json`.

    Raises:
        EngineError: There is no manifest, or it is damaged, of a newer format or contradicts itself.
    """
    files = EngineFiles(engine)
    return parse_manifest(read_manifest_bytes(files), files)


def engine_spec(engine: Path) -> ModelSpec:
    """The model as its engine's manifest describes it; `model` is the engine.

    Raises:
        EngineError: As `read_manifest`.
        ModelError: The model cannot be run as it is described, e.g. because its labels are not as many as its classes.
    """
    return check_spec(read_manifest(engine).spec)


def read_manifest_bytes(files: EngineFiles) -> bytes:
    """The manifest as it is on the disk, for those who check its signature first.

    Raises:
        EngineError: There is none, or it cannot be read or is too large.
    """
    try:
        with files.manifest.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise _absent(files) from None
    except OSError as error:
        raise EngineError(
            files.manifest, f"cannot be read: {error.strerror or error}", "check the file's permissions"
        ) from error
    if len(data) > MAX_BYTES:
        raise _damaged(files, f"expected at most {MAX_BYTES} bytes, got more")
    return data


def parse_manifest(data: bytes, files: EngineFiles) -> Manifest:
    """A manifest from the file's content.

    Raises:
        EngineError: See `read_manifest`.
    """
    try:
        plain = json.loads(data)
        json.dumps(plain, ensure_ascii=False).encode()  # a lone surrogate can be neither shown nor part of a path
    except (ValueError, RecursionError) as error:
        raise _damaged(files, f"expected JSON, got none ({error})") from error
    _check_schema(plain, files)
    try:
        manifest = from_mapping(Manifest, plain, where=files.manifest.name)
        return dataclasses.replace(manifest, spec=dataclasses.replace(manifest.spec, model=str(files.engine)))
    except (PerceptionError, RecursionError) as error:
        raise _damaged(files, str(error)) from error


def _check_schema(plain: Any, files: EngineFiles) -> None:
    """Refuse a newer format before its unknown keys confuse the reader."""
    number = plain.get("schema") if isinstance(plain, dict) else None
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise _damaged(files, f"expected an engine's manifest with its schema number, got schema {number!r:.40}")
    if number > SCHEMA:
        raise EngineError(
            files.manifest,
            "schema",
            "update trt_perception, or build the engine again with this one",
            expected=f"at most {SCHEMA}",
            got=f"{number!r:.40}",
        )


def _absent(files: EngineFiles) -> EngineError:
    if files.engine.exists():
        return EngineError(
            files.engine,
            f"there is no manifest {files.manifest.name} beside this plan, so nobody knows what it is",
            f"run: trt-perception build MODEL --out {files.engine}; or, for a plan of trtexec: "
            f"trt-perception build MODEL --out {files.engine} --adopt",
        )
    return EngineError(files.engine, "there is no such engine", f"run: trt-perception build MODEL --out {files.engine}")


def _damaged(files: EngineFiles, problem: str) -> EngineError:
    return EngineError(files.manifest, problem, f"run: trt-perception build MODEL --out {files.engine}")


def _check_digest(where: str, text: str, *, or_empty: bool = False) -> None:
    if not (re.fullmatch(r"[0-9a-f]{64}", text) or (or_empty and not text)):
        raise ConfigError(where, f"expected a sha256 of 64 hexadecimal digits, got {text[:70]!r}")


def _check_path(where: str, text: str, *, or_empty: bool = False) -> None:
    if "\0" in text or not (text or or_empty):
        raise ConfigError(where, f"expected a path, got {text[:70]!r}")
