"""Which cameras of a run's bags go together, for a model of several inputs."""

from __future__ import annotations

from collections.abc import Sequence

from trt_perception.bag.camera_sets import CameraSets, choose_sets
from trt_perception.errors import InputError
from trt_perception.model.model_spec import ModelSpec
from trt_perception.validate.bag_plan import BagPlan
from trt_perception.validate.run_header import RunPairing
from trt_perception.validate.validation_options import ValidationOptions


def choose_pairing(plans: Sequence[BagPlan], spec: ModelSpec, options: ValidationOptions) -> RunPairing | None:
    """How cameras are put together; None for a model of one input.

    Args:
        plans: The bags, with all their cameras.
        spec: The model.
        options: How it runs.

    Raises:
        InputError: The sets do not fit the model or a bag, none were given and the cameras' names tell none or other
            ones in another bag, or they were given for a model of one input.
    """
    if len(spec.inputs) == 1:
        if options.sets:
            raise InputError(f"model {spec.name} has one input: sets are for several; name its cameras with --camera")
        return None
    names = [source.name for source in spec.inputs]
    found = [choose_sets(spec.name, names, plan.cameras, options.sets, where=plan.path) for plan in plans]
    for plan, sets in zip(plans, found, strict=True):
        if sets != found[0]:
            common = [cameras for cameras in found[0] if all(cameras in others for others in found)]
            remedy = f"; name those that all have: {_arguments(common)}" if common else ""
            raise InputError(
                f"the cameras' names tell {_arguments(found[0])} in {plans[0].path}, and {_arguments(sets)} in "
                f"{plan.path}: the bags of one run have the same sets{remedy}"
            )
    return RunPairing(
        sets=_chosen(found[0], options.cameras),
        tolerance_ms=options.pairing.tolerance_ms,
        deadline_ms=options.pairing.deadline_ms,
        incomplete=options.pairing.incomplete.value,
    )


def _arguments(sets: Sequence[Sequence[str]]) -> str:
    """How sets are typed."""
    return " ".join(f"--set {','.join(cameras)}" for cameras in sets)


def _chosen(sets: CameraSets, cameras: Sequence[str]) -> CameraSets:
    firsts = [found[0] for found in sets]
    if missing := [camera for camera in cameras if camera not in firsts]:
        raise InputError(
            f"--camera {missing[0]}: expected the first camera of a set, to which results refer; these are "
            f"{', '.join(firsts)}"
        )
    return tuple(found for found in sets if not cameras or found[0] in cameras)
