"""Names for the heads of a model and for their classes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from trt_perception.model.exporter_facts import ExporterFacts
from trt_perception.model.families.head_family import HeadClaim
from trt_perception.model.model_overrides import ANY, ModelOverrides
from trt_perception.model.problem import Problem


def head_names(claims: Sequence[HeadClaim]) -> list[str]:
    """`detection` and `segmentation` where each is alone, else the outputs' names; fit for a topic, and unique."""
    sorts = ["detection" if claim.kinds[0].is_detection else "segmentation" for claim in claims]
    names: list[str] = []
    for sort, claim in zip(sorts, claims, strict=True):
        name = sort
        if sorts.count(sort) > 1:
            word = re.sub("[^0-9a-z]+", "_", claim.outputs[0].lower()).strip("_")
            name = word if word[:1].isalpha() else f"{sort}_{word}".rstrip("_")
        while name in names:
            name += "_2"
        names.append(name)
    return names


def given_labels(
    overrides: ModelOverrides, *, head: str, outputs: Iterable[str], heads: int, classes: int | None
) -> tuple[str, ...] | None:
    """The labels that the user gave for a head; None where there are none.

    Labels without a name are for the only head, or for the heads whose number of classes they have.
    """
    for name in (head, *outputs):
        if name in overrides.labels:
            return overrides.labels[name]
    labels = overrides.labels.get(ANY)
    return labels if labels is not None and (heads == 1 or len(labels) == classes) else None


def exported_labels(facts: ExporterFacts, *, heads: int, classes: int | None) -> tuple[str, ...] | None:
    """The labels that the exporter wrote, for the only head or for one with as many classes."""
    return facts.labels if facts.labels and (heads == 1 or len(facts.labels) == classes) else None


def numbered_labels(classes: int) -> tuple[str, ...]:
    """Names for classes that nobody named."""
    return tuple(f"class_{number}" for number in range(classes))


def unused_labels(overrides: ModelOverrides, *, known: Iterable[str]) -> list[Problem]:
    """Labels that were given for a head or output which does not exist."""
    names = list(dict.fromkeys(known))
    return [
        Problem(text=f"labels were given for {key!r}", remedy=f"heads and outputs are {', '.join(names)}")
        for key in sorted(overrides.labels.keys() - {ANY, *names})
    ]
