"""The key: everything that decides what is built changes it, and nothing else does."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from helpers.model_specs import tiny_yolox_spec

from trt_perception.engine import engine_key as engine_key_module
from trt_perception.engine.engine_key import engine_key, plugin_digests
from trt_perception.engine.engine_options import EngineOptions, ShapeProfile
from trt_perception.engine.gpu_identity import GpuIdentity
from trt_perception.engine.tensorrt_module import TensorRtIdentity
from trt_perception.errors import MissingError
from trt_perception.precision.precision_plan import Precision, PrecisionPlan, RegionPrecisions

SPEC = tiny_yolox_spec("tiny.onnx")
GPU = GpuIdentity(name="NVIDIA H200", compute_capability="9.0")
OPTIONS = EngineOptions(timing_cache="a.cache", plugins=("a.so", "b.so"))
PARTS: dict[str, Any] = {
    "tensorrt": TensorRtIdentity(flavour="tensorrt", version="8.6.1"),
    "gpu": GPU,
    "model_sha256": "1" * 64,
    "plan": PrecisionPlan(name="split"),
    "calibration_digest": "2" * 64,
    "emitter": "flags",
    "options": OPTIONS,
    "plugins": {"a.so": "3" * 64, "b.so": "4" * 64},
    "spec": SPEC,
}


def with_preprocess(**changes: Any) -> Any:
    [item] = SPEC.inputs
    preprocess = dataclasses.replace(item.preprocess, **changes)
    return dataclasses.replace(SPEC, inputs=(dataclasses.replace(item, preprocess=preprocess),))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"tensorrt": TensorRtIdentity(flavour="tensorrt_rtx", version="8.6.1")}, id="tensorrt_flavour"),
        pytest.param({"tensorrt": TensorRtIdentity(flavour="tensorrt", version="8.6.2")}, id="tensorrt_version"),
        pytest.param({"gpu": dataclasses.replace(GPU, name="NVIDIA H100")}, id="gpu_name"),
        pytest.param({"gpu": dataclasses.replace(GPU, compute_capability="9.1")}, id="compute_capability"),
        pytest.param({"model_sha256": "5" * 64}, id="onnx"),
        pytest.param({"plan": PrecisionPlan(precisions=RegionPrecisions(neck=Precision.FP16))}, id="region_precision"),
        pytest.param({"plan": PrecisionPlan(keep_fp16=("Conv_1",))}, id="keep_list"),
        pytest.param({"calibration_digest": ""}, id="no_calibration"),
        pytest.param({"calibration_digest": "6" * 64}, id="calibration"),
        pytest.param({"emitter": "strong"}, id="emitter"),
        pytest.param({"options": dataclasses.replace(OPTIONS, workspace_mib=1)}, id="workspace"),
        pytest.param({"options": dataclasses.replace(OPTIONS, optimization_level=2)}, id="optimization_level"),
        pytest.param({"options": dataclasses.replace(OPTIONS, version_compatible=True)}, id="version_compatible"),
        pytest.param(
            {
                "options": dataclasses.replace(
                    OPTIONS, profiles=(ShapeProfile(input="x", min=(1,), opt=(1,), max=(2,)),)
                )
            },
            id="profile",
        ),
        pytest.param({"options": dataclasses.replace(OPTIONS, tactic_sources=())}, id="no_tactic_sources"),
        pytest.param({"plugins": {"a.so": "3" * 64, "b.so": "7" * 64}}, id="plugin_content"),
        pytest.param({"plugins": {"b.so": "4" * 64, "a.so": "3" * 64}}, id="plugin_order"),
        pytest.param({"plugins": {"a.so": "3" * 64}}, id="plugin_left_out"),
        pytest.param({"spec": with_preprocess(scale=0.5)}, id="preprocessing"),
        pytest.param(
            {"spec": dataclasses.replace(SPEC, heads=(dataclasses.replace(SPEC.heads[0], labels=("a", "b", "c")),))},
            id="labels",
        ),
    ],
)
def test_another_engine_has_another_key(changes: dict[str, Any]) -> None:
    assert engine_key(**{**PARTS, **changes}) != engine_key(**PARTS)


@pytest.mark.parametrize("name", ["SCHEMA", "EMITTER_VERSION"])
def test_another_version_of_the_package_may_ask_for_another_engine(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    before = engine_key(**PARTS)
    monkeypatch.setattr(engine_key_module, name, 2)
    assert engine_key(**PARTS) != before


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"gpu": dataclasses.replace(GPU, sm_clock_mhz=345, power_mode="MAXN", driver="1")}, id="clocks"),
        pytest.param({"options": dataclasses.replace(OPTIONS, timing_cache="b.cache")}, id="timing_cache"),
        pytest.param(
            {
                "options": dataclasses.replace(OPTIONS, plugins=("x/a.so", "x/b.so")),
                "plugins": {"x/a.so": "3" * 64, "x/b.so": "4" * 64},
            },
            id="place_of_plugins",
        ),
        pytest.param({"plan": PrecisionPlan(name="another")}, id="name_of_the_plan"),
        pytest.param({"spec": dataclasses.replace(SPEC, model="/elsewhere/tiny.onnx")}, id="place_of_the_model"),
        pytest.param({"spec": dataclasses.replace(SPEC, name="another")}, id="name_of_the_model"),
    ],
)
def test_the_same_engine_has_the_same_key(changes: dict[str, Any]) -> None:
    assert engine_key(**{**PARTS, **changes}) == engine_key(**PARTS)


def test_parts_do_not_flow_into_each_other() -> None:
    shifted = {"model_sha256": PARTS["calibration_digest"], "calibration_digest": PARTS["model_sha256"]}
    assert engine_key(**{**PARTS, **shifted}) != engine_key(**PARTS)


def test_plugins_are_digested_in_order_by_their_place(tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    places = [tmp_path / "plugins" / name for name in ("b.so", "a.so")]
    for place in places:
        place.write_text(place.name)
    digests = plugin_digests(map(str, places), tmp_path / "front.engine")
    assert list(digests) == ["plugins/b.so", "plugins/a.so"]
    assert len(set(digests.values())) == 2
    with pytest.raises(MissingError, match=r"plugin library .*c\.so"):
        plugin_digests([str(tmp_path / "c.so")], tmp_path / "front.engine")
