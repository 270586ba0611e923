"""Which limits each head of a model gets."""

from __future__ import annotations

from dataclasses import replace

from trt_perception.errors import ConfigError
from trt_perception.model.model_spec import ModelSpec
from trt_perception.thresholds import Thresholds


def head_limits(thresholds: Thresholds, spec: ModelSpec) -> tuple[Thresholds, ...]:
    """The limits of each head, with its own labels only, since a decoder refuses labels of another head.

    Raises:
        ConfigError: `per_class` names a label that no detection head has.
    """
    detecting = [head for head in spec.heads if head.kind.is_detection]
    known = {label for head in detecting for label in head.labels}
    unknown = sorted(set(thresholds.per_class) - known)
    if unknown:
        names = ", ".join(dict.fromkeys(label for head in detecting for label in head.labels))
        raise ConfigError(
            f"thresholds.per_class.{unknown[0]}",
            f"no detection head of model {spec.name} has such a label",
            f"it has {names or 'no detection head'}",
        )
    return tuple(
        replace(
            thresholds,
            per_class={label: value for label, value in thresholds.per_class.items() if label in head.labels},
        )
        for head in spec.heads
    )
