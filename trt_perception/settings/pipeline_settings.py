"""Which model runs on which cameras, and what is published of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from trt_perception.errors import ConfigError
from trt_perception.options.option import option
from trt_perception.pairing.pairing_options import PairingOptions
from trt_perception.thresholds import Thresholds

_NOT_GIVEN = PairingOptions()


class ClassIdForm(str, Enum):
    """What stands in a detection's `class_id`."""

    NAME = "name"
    """The label."""
    INDEX = "index"
    """The key under which `label_info` lists the label."""


@dataclass(frozen=True, kw_only=True)
class PipelineSettings:
    """One model on one or more cameras, or on sets of cameras; each gets a pipeline of its own, engines are shared.

    Raises:
        ConfigError: Both `cameras` and `sets`, sets that contradict each other, or `pairing` without sets.
    """

    name: str = option(description="Name of the pipeline, unique in the config.")
    model: str = option(description="Name of one of `models`.")
    cameras: tuple[str, ...] = option((), description="Cameras that each get this pipeline. Empty: every camera.")
    sets: tuple[tuple[str, ...], ...] = option(
        (),
        description="Instead of `cameras`, for a model of several inputs: lists of the cameras of its inputs, in their "
        "order; results are those of the first, e.g. `[[front, front_ir]]`.",
    )
    pairing: PairingOptions = option(
        _NOT_GIVEN, description="Which frames of a set's cameras belong together; with `sets` only."
    )
    namespace: str = option(
        "", description="Put between the camera and the output topic where several pipelines of a camera publish alike."
    )
    score_threshold: float = option(0.3, description="Lowest score of a detection.", minimum=0.0, maximum=1.0)
    class_thresholds: Mapping[str, float] = option(
        default_factory=dict, description="Lowest score by label, where it differs.", minimum=0.0, maximum=1.0
    )
    nms_iou: float = option(
        0.45, description="Boxes of one class that overlap more than this are one object.", minimum=0.0, maximum=1.0
    )
    max_detections: int = option(300, description="Most detections of one image.", minimum=1, maximum=10_000)
    label_map: Mapping[str, str] = option(
        default_factory=dict,
        description="Published name of a label, where it differs; empty: the label is not published.",
    )
    class_ids: ClassIdForm = option(ClassIdForm.NAME, description="What stands in a detection's class_id.")
    always_on: bool = option(False, description="Whether to infer even where nobody subscribes to a result.")

    def __post_init__(self) -> None:
        if self.sets and self.cameras:
            raise ConfigError(
                "sets",
                "expected either cameras or sets, got both",
                f"write `sets: {_shown(self.sets)}` alone, or another pipeline for the cameras",
            )
        if not self.sets and self.pairing is not _NOT_GIVEN:  # the defaults written out would mislead as well
            wanted = f"[[{', '.join(self.cameras)}]]" if len(self.cameras) > 1 else "[[front, front_ir]]"
            raise ConfigError(
                "pairing",
                "there are no sets whose frames could be paired",
                f"write e.g. `sets: {wanted}`{' instead of cameras' * bool(self.cameras)}, or remove pairing",
            )
        seen: set[str] = set()
        for index, cameras in enumerate(self.sets):
            where = f"sets[{index}]"
            if not cameras:
                raise ConfigError(where, "expected the camera of each input, got none", "e.g. `[front, front_ir]`")
            if len(set(cameras)) < len(cameras):
                raise ConfigError(where, f"expected every camera once, got {_shown((cameras,))}")
            if len(cameras) != len(self.sets[0]):
                problem = f"expected {len(self.sets[0])} cameras, as sets[0] has, got {len(cameras)}"
                raise ConfigError(where, problem, "write one camera for each input of the model")
            if cameras[0] in seen:
                raise ConfigError(
                    where,
                    f"camera {cameras[0]!r} is the first of two sets, and results go by the first camera's name",
                    "write another camera first, or give the set a pipeline with a namespace of its own",
                )
            seen.add(cameras[0])

    @property
    def thresholds(self) -> Thresholds:
        """The limits as the pipeline takes them."""
        return Thresholds(
            score=self.score_threshold,
            per_class=self.class_thresholds,
            nms_iou=self.nms_iou,
            max_detections=self.max_detections,
        )


def _shown(sets: tuple[tuple[str, ...], ...]) -> str:
    return "[" + ", ".join(f"[{', '.join(cameras)}]" for cameras in sets) + "]"
