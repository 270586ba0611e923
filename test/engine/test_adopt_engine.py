"""A plan of trtexec gets a manifest that says what is known, and no more."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from helpers.inspected_tensorrt import GPU, PLAN, fake_tensorrt
from helpers.model_specs import tiny_yolox_spec
from helpers.tiny_onnx import make_yolox_onnx

from trt_perception.engine.adopt_engine import AdoptedEngine, adopt_engine
from trt_perception.engine.engine_files import EngineFiles, write_manifest
from trt_perception.engine.engine_options import EngineOptions
from trt_perception.engine.load_engine_file import load_engine_file
from trt_perception.engine.manifest import read_manifest
from trt_perception.engine.tensorrt_module import identify
from trt_perception.errors import EngineError
from trt_perception.model.model_spec import ModelSpec
from trt_perception.precision.model_digest import model_sha256


@pytest.fixture
def spec(tmp_path: Path) -> ModelSpec:
    return tiny_yolox_spec(str(make_yolox_onnx(tmp_path / "tiny.onnx")))


@pytest.fixture
def engine(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.engine"
    path.write_bytes(PLAN)
    return path


def adopt(engine: Path, spec: ModelSpec, *, options: EngineOptions | None = None) -> AdoptedEngine:
    return adopt_engine(engine, spec, trt=fake_tensorrt(spec, "{}"), gpu=GPU, options=options)


def test_an_adopted_plan_loads_and_warns(engine: Path, spec: ModelSpec) -> None:
    adopted = adopt(engine, spec)
    trt = fake_tensorrt(spec, "{}")
    loaded = load_engine_file(engine, tensorrt=identify(trt), gpu=GPU, spec=spec)
    assert loaded.plan == PLAN
    assert loaded.manifest == adopted.manifest
    assert any("nobody has verified" in text for text in adopted.warnings)
    assert any("nobody has verified" in text for text in loaded.warnings)
    assert "built elsewhere and adopted" in EngineFiles(engine).card.read_text()


def test_what_is_not_known_stays_empty(engine: Path, spec: ModelSpec) -> None:
    manifest = adopt(engine, spec).manifest
    unknown = (manifest.precision_plan, manifest.options, manifest.build, manifest.verification)
    assert unknown == (None, None, None, None)
    assert (manifest.graph_sha256, manifest.calibration_digest, manifest.emitter, manifest.key) == ("", "", "", "")
    assert manifest.adopted


def test_the_onnx_is_recorded_where_it_is_present(engine: Path, spec: ModelSpec) -> None:
    manifest = adopt(engine, spec).manifest
    assert (manifest.model_file, manifest.model_sha256) == ("tiny.onnx", model_sha256(Path(spec.model)))
    Path(spec.model).unlink()
    again = adopt(engine, spec)
    assert (again.manifest.model_file, again.manifest.model_sha256) == ("", "")
    assert any("later changes of the model will not be noticed" in text for text in again.warnings)


def test_known_options_are_recorded(engine: Path, spec: ModelSpec) -> None:
    options = EngineOptions(version_compatible=True)
    assert adopt(engine, spec, options=options).manifest.options == options


def test_a_plan_of_another_model_is_refused(engine: Path, spec: ModelSpec) -> None:
    other = dataclasses.replace(spec, outputs=(dataclasses.replace(spec.outputs[0], shape=(1, 84, 9)),))
    with pytest.raises(EngineError, match=r"'output': expected float32 \[1, 84, 8\], got float32 \[1, 84, 9\]"):
        adopt_engine(engine, spec, trt=fake_tensorrt(other, "{}"), gpu=GPU)
    assert not EngineFiles(engine).manifest.exists()


def test_what_tensorrt_does_not_load_is_refused(engine: Path, spec: ModelSpec) -> None:
    engine.write_bytes(b"something else")
    with pytest.raises(EngineError, match="TensorRT cannot load the plan"):
        adopt(engine, spec)
    assert not EngineFiles(engine).manifest.exists()


@pytest.mark.parametrize("content", [None, b""], ids=["absent", "empty"])
def test_no_plan_is_named(engine: Path, spec: ModelSpec, content: bytes | None) -> None:
    engine.unlink()
    if content is not None:
        engine.write_bytes(content)
    with pytest.raises(EngineError, match=r"cannot be read|an empty file"):
        adopt(engine, spec)


def test_a_manifest_that_says_more_is_kept(engine: Path, spec: ModelSpec) -> None:
    built = dataclasses.replace(adopt(engine, spec).manifest, adopted=False)
    write_manifest(engine, built, "")
    with pytest.raises(EngineError, match="this plan has a manifest, and was built here"):
        adopt(engine, spec)
    assert read_manifest(engine) == built


@pytest.mark.parametrize("state", ["adopted", "damaged", "of_another_plan"])
def test_a_manifest_that_does_not_is_replaced(engine: Path, spec: ModelSpec, state: str) -> None:
    manifest = adopt(engine, spec).manifest
    if state == "damaged":
        EngineFiles(engine).manifest.write_bytes(b"{")
    elif state == "of_another_plan":
        write_manifest(engine, dataclasses.replace(manifest, adopted=False, plan_sha256="0" * 64), "")
    assert adopt(engine, spec).manifest.plan_sha256 == manifest.plan_sha256
    assert read_manifest(engine).adopted
