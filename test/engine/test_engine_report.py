"""What is told of an engine file, with and without a TensorRT that opens it. The layers are a real engine's."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import pytest
from helpers.built_engine import DEMO_MODEL, SPLIT_ENGINE, demo_account, demo_plan
from helpers.inspected_tensorrt import GPU, PLAN, fake_tensorrt, write_fake_engine

from trt_perception.engine import engine_report
from trt_perception.engine.engine_account import account_path, read_engine_account, write_engine_account
from trt_perception.engine.engine_report import is_engine, report_engine
from trt_perception.engine.render_report import render_report
from trt_perception.errors import EngineError, MissingError
from trt_perception.model.load_spec import load_spec
from trt_perception.model.model_spec import ModelSpec
from trt_perception.precision.account import Account


@pytest.fixture(scope="module")
def spec() -> ModelSpec:
    return load_spec(DEMO_MODEL)


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Account:
    return demo_account(tmp_path_factory.mktemp("split"), demo_plan())


@pytest.fixture
def with_gpu(monkeypatch: pytest.MonkeyPatch, spec: ModelSpec) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", fake_tensorrt(spec, SPLIT_ENGINE.read_text()))
    monkeypatch.setattr(engine_report, "current_gpu", lambda device: GPU)


@pytest.fixture
def without_tensorrt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", None)


@pytest.fixture
def engine(tmp_path: Path, spec: ModelSpec, account: Account) -> Path:
    path = tmp_path / "demo.engine"
    write_fake_engine(path, spec, account)
    return path


@pytest.mark.usefixtures("with_gpu")
def test_tells_layers_regions_and_verification(engine: Path) -> None:
    report = report_engine(engine)
    assert report.notes == ()
    assert len(report.layers) == 107
    assert {row.region: row.layers for row in report.regions} == {
        "backbone": {"int8": 32, "fp16": 2},
        "neck": {"int8": 15},
        "head": {"fp16": 22},
    }
    assert report.check is not None
    assert report.check.not_honoured == {}
    text = render_report(report)
    assert "| neck | int8 | 15 | 0 | 0 |" in text
    assert "107 layers, 3.0 MiB of device memory a context" in text
    assert "precision plan: " in text
    assert "input   images" in text


@pytest.mark.usefixtures("with_gpu")
def test_is_json_throughout(engine: Path) -> None:
    plain = json.loads(json.dumps(report_engine(engine).to_plain()))
    assert plain["layers"][1]["precision"] == "fp16"
    assert plain["manifest"]["gpu"]["name"] == "Some GPU"
    assert plain["verification"]["unexplained"] == {}


@pytest.mark.usefixtures("without_tensorrt")
def test_without_tensorrt_tells_what_the_manifest_says(engine: Path) -> None:
    report = report_engine(engine)
    assert report.layers == ()
    assert "the engine was not opened: the Python package tensorrt cannot be imported" in report.notes[0]
    text = render_report(report)
    assert "int8_backbone_fp16_head (backbone int8, neck int8, head fp16)" in text
    assert "output  detections" in text


@pytest.mark.usefixtures("without_tensorrt")
def test_without_manifest_and_tensorrt_nothing_can_be_told(tmp_path: Path) -> None:
    path = tmp_path / "foreign.engine"
    path.write_bytes(PLAN)
    with pytest.raises(MissingError, match="tensorrt"):
        report_engine(path)


@pytest.mark.usefixtures("with_gpu")
def test_a_plan_without_manifest_is_shown_and_said_to_be_unknown(tmp_path: Path) -> None:
    path = tmp_path / "foreign.plan"
    path.write_bytes(PLAN)
    report = report_engine(path)
    assert "nobody knows what this is" in report.notes[0]
    assert [row.region for row in report.regions] == ["all"]
    assert report.regions[0].layers == {"fp16": 24, "int8": 47}
    assert report.check is None


@pytest.mark.usefixtures("with_gpu")
def test_what_tensorrt_does_not_take_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "broken.plan"
    path.write_bytes(b"no plan")
    with pytest.raises(EngineError, match="TensorRT cannot load the plan"):
        report_engine(path)


@pytest.mark.usefixtures("with_gpu")
def test_a_flipped_byte_is_not_inspected(engine: Path) -> None:
    engine.write_bytes(PLAN[:-1] + b"x")
    with pytest.raises(EngineError, match=r"demo\.engine"):
        report_engine(engine)


@pytest.mark.usefixtures("with_gpu")
def test_an_absent_engine_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="there is no such engine"):
        report_engine(tmp_path / "absent.engine")


@pytest.mark.usefixtures("with_gpu")
def test_without_an_account_regions_are_not_known(engine: Path) -> None:
    account_path(engine).unlink()
    report = report_engine(engine)
    assert [row.region for row in report.regions] == ["all"]
    assert "no account beside the engine" in report.notes[0]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"model_sha256": "0" * 64}, id="model"),
        pytest.param({"emitter": "strong"}, id="emitter"),
        pytest.param({"plan": demo_plan("int8")}, id="plan"),
    ],
)
def test_the_account_of_another_engine_is_not_taken(
    change: dict[str, object], tmp_path: Path, spec: ModelSpec, account: Account
) -> None:
    engine = tmp_path / "demo.engine"
    manifest = write_fake_engine(engine, spec, account)
    assert read_engine_account(engine, manifest) == account
    write_engine_account(engine, dataclasses.replace(account, **change))  # type: ignore[arg-type]
    assert read_engine_account(engine, manifest) is None


def test_knows_an_engine_by_its_name_or_manifest(tmp_path: Path) -> None:
    assert is_engine(Path("a.engine"))
    assert is_engine(Path("a.PLAN"))
    assert not is_engine(tmp_path / "a.onnx")
    (tmp_path / "odd.bin.json").write_text("{}")
    assert is_engine(tmp_path / "odd.bin")
