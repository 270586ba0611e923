"""Whether a head's outputs have the layout that its family needs."""

from __future__ import annotations

from collections.abc import Sequence

from trt_perception.errors import ModelError
from trt_perception.model.model_spec import HeadSpec, ModelSpec, OutputSpec, TensorType
from trt_perception.segmentation_mask import UNLABELLED

FLOATS = (TensorType.FLOAT32, TensorType.FLOAT16)
"""Types of scores and boxes."""
INTEGERS = (TensorType.INT64, TensorType.INT32, TensorType.UINT8, TensorType.INT8)
"""Types of counts and class numbers."""


def single_output(head: HeadSpec, spec: ModelSpec, dtypes: Sequence[TensorType] = FLOATS) -> OutputSpec:
    """The one output that the head reads.

    Raises:
        ModelError: It reads another number of outputs, one that the model does not have, or one of another dtype.
    """
    (output,) = head_outputs(head, spec, 1, dtypes)
    return output


def head_outputs(
    head: HeadSpec, spec: ModelSpec, count: int, dtypes: Sequence[TensorType] = FLOATS
) -> tuple[OutputSpec, ...]:
    """The outputs that the head reads, in its order.

    Raises:
        ModelError: It reads another number of outputs, one that the model does not have, or one of another dtype.
    """
    if len(head.outputs) != count:
        wanted = "one output" if count == 1 else f"{count} outputs"
        raise wrong(head, spec, f"reads {wanted}, got {len(head.outputs)}: {list(head.outputs)}")
    known = {output.name: output for output in spec.outputs}
    for name in head.outputs:
        if name not in known:
            raise wrong(head, spec, f"reads output {name!r}, which the model does not have; it has {', '.join(known)}")
        check_dtype(head, spec, known[name], dtypes)
    return tuple(known[name] for name in head.outputs)


def check_dtype(head: HeadSpec, spec: ModelSpec, output: OutputSpec, dtypes: Sequence[TensorType]) -> None:
    """Compare an output's dtype with those that the family has.

    Raises:
        ModelError: It is none of them.
    """
    if output.dtype not in dtypes:
        expected = " or ".join(dtype.value for dtype in dtypes)
        raise wrong(head, spec, f"output {output.name!r} must be {expected}, got {output.dtype.value}")


def check_shape(head: HeadSpec, spec: ModelSpec, output: OutputSpec, expected: Sequence[int | str]) -> None:
    """Compare an output's shape with the family's; a text stands for any size.

    Raises:
        ModelError: They differ.
    """
    fits = len(output.shape) == len(expected) and all(
        isinstance(want, str) or want == got for want, got in zip(expected, output.shape, strict=True)
    )
    if not fits:
        layout = ", ".join(str(size) for size in expected)
        raise wrong(
            head,
            spec,
            f"output {output.name!r} must have shape [{layout}] for {len(head.labels)} labels, "
            f"got {list(output.shape)}",
        )


def check_labels(head: HeadSpec, spec: ModelSpec) -> None:
    """A head without labels has no classes.

    Raises:
        ModelError: There are none.
    """
    if not head.labels:
        raise wrong(head, spec, "expected at least one label, got none")


def check_mask_labels(head: HeadSpec, spec: ModelSpec) -> None:
    """Class ids of masks have to fit one byte, of which 255 means unlabelled.

    Raises:
        ModelError: There are more labels, or none.
    """
    check_labels(head, spec)
    if len(head.labels) > UNLABELLED:
        raise wrong(head, spec, f"a mask has at most {UNLABELLED} classes, got {len(head.labels)} labels")


def wrong(head: HeadSpec, spec: ModelSpec, problem: str) -> ModelError:
    """The error for a head that does not fit its model."""
    return ModelError(
        spec.name,
        f"head {head.name!r} ({head.kind.value}): {problem}",
        "correct `heads` in the model's YAML, or make it anew with `trt-perception inspect --write`",
    )
