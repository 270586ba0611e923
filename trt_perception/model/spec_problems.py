"""What is wrong between the parts of one ModelSpec: heads that read what is not there, labels that do not fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from trt_perception.errors import ModelError
from trt_perception.model.families.head_family import LayoutMismatch
from trt_perception.model.families.registry import family_of
from trt_perception.model.families.semantic import MAX_CLASSES
from trt_perception.model.model_spec import HeadSpec, InputSpec, ModelSpec
from trt_perception.model.preprocess_options import ChannelOrder
from trt_perception.model.problem import Problem
from trt_perception.model.tensor_info import TensorInfo


def check_spec(spec: ModelSpec) -> ModelSpec:
    """The spec itself, where it can be run.

    Raises:
        ModelError: See `spec_problems`; the first of them.
    """
    for problem in spec_problems(spec):
        raise ModelError(spec.model or spec.name, problem.text, problem.remedy)
    return spec


def spec_problems(spec: ModelSpec) -> Iterator[Problem]:
    """What keeps a spec from being run: expected, got, what to do."""
    for group, names in (
        ("inputs", [item.name for item in spec.inputs]),
        ("outputs", [item.name for item in spec.outputs]),
        ("heads", [item.name for item in spec.heads]),
    ):
        if not names:
            yield Problem(text=f"{group}: expected at least one, got none", remedy=f"describe the model's {group}")
            return
        name, count = Counter(names).most_common(1)[0]
        if count > 1:
            yield Problem(text=f"{group}: {name!r} stands {count} times", remedy="use every name once")
    for item in spec.inputs:
        yield from _input_problems(item)
    for head in spec.heads:
        yield from _head_problems(head, spec)


def _input_problems(item: InputSpec) -> Iterator[Problem]:
    expected = 1 if item.preprocess.channel_order is ChannelOrder.MONO else 3
    if item.channels != expected:
        yield Problem(
            text=f"input {item.name!r} {list(item.shape)}: expected {expected} channels for layout "
            f"{item.preprocess.layout.value} and channel_order {item.preprocess.channel_order.value}, "
            f"got {item.channels}",
            remedy="set preprocess.layout and preprocess.channel_order to what the model takes",
        )
    if item.shape[0] != 1:
        yield Problem(
            text=f"input {item.name!r}: expected batch 1, got {item.shape[0]}",
            remedy="export the model with batch 1, or with an open batch and give the shape",
        )


def _head_problems(head: HeadSpec, spec: ModelSpec) -> Iterator[Problem]:
    outputs = {item.name: item for item in spec.outputs}
    missing = [name for name in head.outputs if name not in outputs]
    if missing or not head.outputs:
        yield Problem(
            text=f"head {head.name!r} reads the output {', '.join(missing) or '(none)'}, the model has "
            f"{', '.join(outputs)}",
            remedy="name one of the model's outputs",
        )
        return
    tensors = [
        TensorInfo(name=name, shape=outputs[name].shape, dtype=outputs[name].dtype.value) for name in head.outputs
    ]
    network = spec.inputs[0]
    try:
        layout = family_of(head.kind).layout(head.kind, tensors, width=network.width, height=network.height)
    except LayoutMismatch as mismatch:
        yield Problem(
            text=f"head {head.name!r} as {head.kind.value}: {mismatch}",
            remedy="set `head:` to the family that the output belongs to",
        )
        return
    yield from _label_problems(head, layout.classes)


def _label_problems(head: HeadSpec, classes: int | None) -> Iterator[Problem]:
    where = f"head {head.name!r} ({head.kind.value})"
    if classes is not None and len(head.labels) != classes:
        yield Problem(
            text=f"{where}: expected {classes} labels, one for each class of its output, got {len(head.labels)}",
            remedy="give the label file that the model was trained with",
        )
    elif not head.labels:
        yield Problem(
            text=f"{where}: expected labels, got none; its output does not tell the number of classes",
            remedy="give a label file",
        )
    elif not head.kind.is_detection and len(head.labels) > MAX_CLASSES:
        yield Problem(
            text=f"{where}: expected at most {MAX_CLASSES} labels, got {len(head.labels)}",
            remedy="a mask has one byte a pixel: merge classes",
        )
    if "" in head.labels:
        yield Problem(text=f"{where}: label {head.labels.index('')} is empty", remedy="name every class")
