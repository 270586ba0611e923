"""Whether there is one frame for each input of a model."""

from __future__ import annotations

from collections.abc import Sequence

from trt_perception.errors import InputError
from trt_perception.frame import EncodedFrame, Frame
from trt_perception.model.model_spec import ModelSpec


def check_frames(frames: Sequence[Frame | EncodedFrame], spec: ModelSpec) -> None:
    """Compare their numbers.

    Raises:
        InputError: They differ.
    """
    if len(frames) != len(spec.inputs):
        raise InputError(
            f"model {spec.name} has {len(spec.inputs)} inputs "
            f"({', '.join(source.name for source in spec.inputs)}), got {len(frames)} frames; "
            "give one frame for each input"
        )
