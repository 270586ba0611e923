"""Which engine a command runs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers.fake_engine import GPU, fake_tensorrt, plan_of, write_fake_engine
from helpers.fake_gpu import FakeDevice
from helpers.tiny_onnx import make_yolox_onnx

from trt_perception.cli import model_arguments
from trt_perception.cli.main import main
from trt_perception.cli.model_arguments import add_model_arguments, make_pipeline
from trt_perception.engine.signature import make_key_pair, sign_engine
from trt_perception.errors import EngineError
from trt_perception.model.load_spec import load_spec
from trt_perception.model.model_spec import ModelSpec
from trt_perception.runtime import make_backend, open_engine
from trt_perception.runtime.backend import Backend, BackendKind
from trt_perception.runtime.engine_pipeline import EnginePipeline
from trt_perception.runtime.null_backend import NullBackend
from trt_perception.runtime.pipeline import Pipeline


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_model_arguments(parser)
    return parser.parse_args(words)


def test_the_engine_that_is_given_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def make(kind: BackendKind, spec: ModelSpec, **options: Any) -> Backend:
        asked.append((kind, options["engine"]))
        return NullBackend(spec)

    monkeypatch.setattr(model_arguments, "make_backend", make)
    model = make_yolox_onnx(tmp_path / "tiny.onnx")
    make_pipeline(model, parse("--backend", "tensorrt", "--engine", "other.engine"))
    make_pipeline(model, parse())
    assert asked == [(BackendKind.TENSORRT, Path("other.engine")), (BackendKind.AUTO, None)]


@pytest.mark.parametrize(
    ("words", "kind"),
    [((), EnginePipeline), (("--path", "gpu"), EnginePipeline), (("--path", "host"), Pipeline)],
    ids=["default", "gpu", "host"],
)
def test_an_engine_does_all_of_a_frame_on_the_gpu_unless_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], kind: type
) -> None:
    monkeypatch.setattr(make_backend, "_has", lambda module: True)
    model = make_yolox_onnx(tmp_path / "tiny.onnx")
    engine = tmp_path / "other.engine"
    engine.touch()
    pipeline = make_pipeline(model, parse("--backend", "tensorrt", "--engine", str(engine), *words))
    assert type(pipeline) is kind
    assert pipeline.engine == engine
    assert make_pipeline(model, parse("--backend", "onnxruntime", *words)).engine is None


def test_an_engine_is_a_model_that_needs_tensorrt(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    engine = tmp_path / "tiny.engine"
    write_fake_engine(engine, load_spec(make_yolox_onnx(tmp_path / "tiny.onnx")))
    (tmp_path / "image.png").write_bytes(b"never read")
    command = ["detect", str(engine), str(tmp_path / "image.png"), "--backend"]
    assert main([*command, "onnxruntime"]) == 2
    assert "an engine runs on TensorRT only" in capsys.readouterr().err


@pytest.mark.parametrize("path", ["gpu", "host"])
def test_an_engine_that_the_given_key_did_not_sign_is_not_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    engine, spec = tmp_path / "tiny.engine", load_spec(make_yolox_onnx(tmp_path / "tiny.onnx"))
    write_fake_engine(engine, spec)
    own, other = (make_key_pair(tmp_path / name) for name in ("own", "other"))
    sign_engine(engine, tmp_path / "own")
    monkeypatch.setattr(make_backend, "_has", lambda module: True)
    monkeypatch.setitem(sys.modules, "tensorrt", fake_tensorrt(plan_of(spec, lambda inputs: {}, device=FakeDevice())))
    monkeypatch.setattr(open_engine, "current_gpu", lambda device: GPU)

    class ReachedError(Exception):
        pass

    def load(*_: object, **__: object) -> None:
        raise ReachedError

    monkeypatch.setattr(open_engine, "Gpu", load)  # what comes behind the signature
    words = ["--backend", "tensorrt", "--path", path, "--public-key"]
    with pytest.raises(EngineError, match="signed"), make_pipeline(engine, parse(*words, str(other))):
        pass
    with pytest.raises(ReachedError), make_pipeline(engine, parse(*words, str(own))):
        pass
