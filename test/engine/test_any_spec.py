"""One model, described by its engine, its YAML and its ONNX."""

from dataclasses import replace
from pathlib import Path

import pytest
from helpers.fake_engine import write_fake_engine
from helpers.tiny_onnx import make_yolox_onnx

from trt_perception.engine.any_spec import any_spec
from trt_perception.errors import EngineError
from trt_perception.model.write_spec import write_spec


def test_engine_yaml_and_onnx_give_the_same_spec(tmp_path: Path) -> None:
    spec = any_spec(make_yolox_onnx(tmp_path / "tiny.onnx"))
    write_spec(spec, tmp_path / "tiny.yaml")
    assert any_spec(tmp_path / "tiny.yaml") == spec
    engine = tmp_path / "tiny.engine"
    write_fake_engine(engine, spec)
    assert any_spec(engine) == replace(spec, model=str(engine))


def test_an_absent_engine_says_how_to_build_it(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"there is no such engine.*trt-perception build"):
        any_spec(tmp_path / "absent.engine")
