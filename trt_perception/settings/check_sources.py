"""Whether a pipeline has a camera for every input of its model."""

from __future__ import annotations

from trt_perception.errors import ConfigError
from trt_perception.model.model_spec import ModelSpec
from trt_perception.settings.perception_settings import PipelinePlan


def check_sources(plan: PipelinePlan, spec: ModelSpec) -> None:
    """Compare the cameras of a pipeline with its model, which is known once it is read.

    Raises:
        ConfigError: Another number; says what to write.
    """
    cameras = [camera.name for camera in plan.sources]
    inputs = [source.name for source in spec.inputs]
    if len(cameras) == len(inputs):
        return
    settings = plan.settings
    has = f"model {plan.model.name} has {len(inputs)} input{'s' * (len(inputs) > 1)} ({', '.join(inputs)})"
    where = f"pipeline {settings.name}: {'sets' if settings.sets else 'cameras'}"
    if len(inputs) == 1:
        wanted = dict.fromkeys(name for names in settings.sets for name in names)
        remedy = f"write `cameras: [{', '.join(wanted)}]` instead of sets, and each camera gets it"
    else:
        leads = [names[0] for names in settings.sets] or settings.cameras or cameras[:1]
        shown = ", ".join(f"[{', '.join(_row(lead, settings.sets, inputs))}]" for lead in leads)
        remedy = f"write `sets: [{shown}]`, the camera of each input in their order"
    got = f"a set of {len(cameras)}: {', '.join(cameras)}" if settings.sets else f"one camera a run: {cameras[0]}"
    raise ConfigError(where, f"{has}, got {got}", remedy)


def _row(lead: str, sets: tuple[tuple[str, ...], ...], inputs: list[str]) -> list[str]:
    """What to write for one set: the cameras that are there, and what is missing in words."""
    names = next((cameras for cameras in sets if cameras[0] == lead), (lead,))
    return [names[at] if at < len(names) else f"CAMERA_OF_{name}" for at, name in enumerate(inputs)]
