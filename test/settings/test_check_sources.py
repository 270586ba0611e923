"""A pipeline has a camera for every input of its model, or is told what to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from trt_perception.engine.any_spec import any_spec
from trt_perception.errors import ConfigError
from trt_perception.model.model_spec import ModelSpec
from trt_perception.settings.camera_settings import CameraSettings
from trt_perception.settings.check_sources import check_sources
from trt_perception.settings.model_settings import ModelSettings
from trt_perception.settings.perception_settings import PipelinePlan
from trt_perception.settings.pipeline_settings import PipelineSettings

MODELS = Path(__file__).resolve().parents[2] / "trt_perception" / "demo" / "model"


ONE, TWO = "demo_model", "demo_model_rgb_ir"


def spec_of(model: str) -> ModelSpec:
    return any_spec(MODELS / f"{model}.onnx")


def plan(*sources: str, sets: tuple[tuple[str, ...], ...] = (), cameras: tuple[str, ...] = ()) -> PipelinePlan:
    return PipelinePlan(
        settings=PipelineSettings(name="night", model="m", sets=sets, cameras=cameras),
        model=ModelSettings(name="m", spec="m.onnx"),
        sources=tuple(CameraSettings(name=name) for name in sources),
    )


def told(plan: PipelinePlan, spec: ModelSpec) -> str:
    with pytest.raises(ConfigError) as error:
        check_sources(plan, spec)
    return str(error.value)


@pytest.mark.parametrize("model", [ONE, TWO])
def test_as_many_cameras_as_inputs_are_right(model: str) -> None:
    spec = spec_of(model)
    names = tuple(f"camera_{at}" for at, _ in enumerate(spec.inputs))
    check_sources(plan(*names, sets=(names,)), spec)


def test_sets_for_one_input_become_cameras() -> None:
    sets = (("front", "front_ir"), ("rear", "rear_ir"))
    text = told(plan("front", "front_ir", sets=sets), spec_of(ONE))
    assert "pipeline night: sets: model m has 1 input (" in text
    assert "write `cameras: [front, front_ir, rear, rear_ir]` instead of sets" in text


def test_cameras_for_two_inputs_become_sets() -> None:
    spec = spec_of(TWO)
    text = told(plan("front", cameras=("front", "rear")), spec)
    second = spec.inputs[1].name
    assert "pipeline night: cameras: model m has 2 inputs" in text
    assert f"write `sets: [[front, CAMERA_OF_{second}], [rear, CAMERA_OF_{second}]]`" in text


def test_a_set_that_is_too_long_is_cut() -> None:
    text = told(plan("front", "front_ir", "rear", sets=(("front", "front_ir", "rear"),)), spec_of(TWO))
    assert "got a set of 3: front, front_ir, rear; write `sets: [[front, front_ir]]`" in text
