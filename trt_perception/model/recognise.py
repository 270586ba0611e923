"""An ONNX becomes a ModelSpec: first by what is written in it, then by its graph, last by its shapes."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

from trt_perception.model.choose_heads import ChosenHeads, choose_heads
from trt_perception.model.choose_preprocess import (
    fitted,
    input_spec,
    preprocess_conflict,
    preprocess_words,
    usual_preprocess,
)
from trt_perception.model.embedded_spec import SPEC_KEY, EmbeddedSpec, embedded_spec
from trt_perception.model.exporter_facts import exporter_facts
from trt_perception.model.families.graph_patterns import LEARNED
from trt_perception.model.families.head_family import Evidence, HeadClaim
from trt_perception.model.head_labels import (
    exported_labels,
    given_labels,
    head_names,
    numbered_labels,
    unused_labels,
)
from trt_perception.model.image_inputs import ImageInput, image_inputs
from trt_perception.model.model_overrides import ModelOverrides
from trt_perception.model.model_spec import HeadSpec, InputSpec, ModelSpec, OutputSpec, TensorType
from trt_perception.model.onnx_model import OnnxModel
from trt_perception.model.open_sizes import open_sizes_remedy
from trt_perception.model.problem import Problem
from trt_perception.model.spec_problems import spec_problems
from trt_perception.model.tensor_info import TensorInfo


@dataclass(frozen=True, kw_only=True)
class RecognisedHead:
    """One head and why it is one.

    Args:
        spec: The head.
        reason: What was seen, for people.
    """

    spec: HeadSpec
    reason: str


@dataclass(frozen=True, kw_only=True)
class Recognition:
    """What an ONNX is.

    Args:
        spec: The whole model; None where there are problems.
        heads: The heads found, even where there are problems.
        assumptions: What nothing in the file says and was taken for granted.
        problems: What keeps the model from being used.
    """

    spec: ModelSpec | None
    heads: tuple[RecognisedHead, ...] = ()
    assumptions: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass
class _Findings:
    """What is gathered on the way."""

    heads: list[RecognisedHead] = field(default_factory=list)
    inputs: list[InputSpec] = field(default_factory=list)
    outputs: list[OutputSpec] = field(default_factory=list)
    assumptions: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def recognise(model: OnnxModel, overrides: ModelOverrides | None = None) -> Recognition:
    """What the model's inputs and outputs mean.

    Args:
        model: The ONNX.
        overrides: What the user says of it. None: nothing.

    Raises:
        ConfigError: Our own metadata in the file, or a preprocessing field given by the user, is wrong.
    """
    overrides = overrides or ModelOverrides()
    findings = _Findings()
    facts = exporter_facts(model.metadata)
    findings.assumptions.extend(f"metadata {key!r} cannot be read and was not used" for key in facts.unreadable)
    images, input_problems = image_inputs(model, facts)
    findings.problems.extend(input_problems)
    name = overrides.name or model.path.stem
    if not input_problems:  # the outputs mean nothing without the network's size
        embedded = None if overrides.heads else embedded_spec(model.metadata)
        if embedded is not None:
            name = overrides.name or embedded.name or name
            _take_embedded(embedded, images, overrides, findings)
        else:
            evidence = Evidence(model=model, exporter=facts, width=images[0].sizes[3], height=images[0].sizes[2])
            _take_seen(evidence, images, overrides, findings)
        if not findings.problems:  # a refusal by name says more than an open size of the same output
            _take_outputs(model.outputs, findings)
    return _recognition(name, model, findings)


def _recognition(name: str, model: OnnxModel, findings: _Findings) -> Recognition:
    spec = None
    if not findings.problems:
        spec = ModelSpec(
            name=name,
            model=str(model.path),
            inputs=tuple(findings.inputs),
            outputs=tuple(findings.outputs),
            heads=tuple(head.spec for head in findings.heads),
        )
        findings.problems.extend(spec_problems(spec))
    return Recognition(
        spec=None if findings.problems else spec,
        heads=tuple(findings.heads),
        assumptions=tuple(findings.assumptions),
        problems=tuple(findings.problems),
    )


def _take_embedded(
    embedded: EmbeddedSpec, images: tuple[ImageInput, ...], overrides: ModelOverrides, findings: _Findings
) -> None:
    """Heads and inputs as our own metadata states them."""
    stated = {item.name: item.preprocess for item in embedded.inputs}
    names = [image.tensor.name for image in images]
    if sorted(stated) != sorted(names):
        findings.problems.append(
            Problem(
                text=f"metadata {SPEC_KEY} describes the inputs {', '.join(stated)}, the model has {', '.join(names)}",
                remedy="export the model again",
            )
        )
        return
    for head in embedded.heads:
        labels = given_labels(
            overrides, head=head.name, outputs=head.outputs, heads=len(embedded.heads), classes=len(head.labels)
        )
        spec = head if labels is None else dataclasses.replace(head, labels=labels)
        shown = ", ".join(repr(output) for output in head.outputs)
        findings.heads.append(RecognisedHead(spec=spec, reason=f"output {shown}: metadata {SPEC_KEY} says so"))
    known = [name for head in embedded.heads for name in (head.name, *head.outputs)]
    findings.problems.extend(unused_labels(overrides, known=known))
    findings.inputs.extend(input_spec(image, stated[image.tensor.name], overrides.preprocess) for image in images)


def _take_seen(
    evidence: Evidence, images: tuple[ImageInput, ...], overrides: ModelOverrides, findings: _Findings
) -> None:
    """Heads and inputs as exporter, graph and shapes tell them."""
    chosen = choose_heads(evidence, overrides.heads)
    findings.problems.extend(chosen.problems)
    findings.assumptions.extend(f"output {name!r} is not read: {reason}" for name, reason in chosen.unread.items())
    if not chosen.claims:
        return
    _take_heads(evidence, chosen, overrides, findings)
    conflict = preprocess_conflict(chosen.claims, overrides.preprocess)
    if conflict is not None:
        findings.problems.append(conflict)
    usual, is_known = usual_preprocess(chosen.claims)
    findings.inputs.extend(input_spec(image, fitted(usual.options, image), overrides.preprocess) for image in images)
    if not is_known:
        given = f" ({', '.join(overrides.preprocess)}: as given)" if overrides.preprocess else ""
        words = preprocess_words(findings.inputs[0].preprocess)
        findings.assumptions.append(f"preprocessing: {words}{given}: {usual.because}")
    for image in images:
        _note_arithmetic(evidence, image.tensor.name, findings)


def _take_heads(evidence: Evidence, chosen: ChosenHeads, overrides: ModelOverrides, findings: _Findings) -> None:
    tensors = {output.name: output for output in evidence.outputs}
    names = head_names(chosen.claims)
    findings.problems.extend(unused_labels(overrides, known=[*names, *tensors]))
    for name, claim in zip(names, chosen.claims, strict=True):
        spec = HeadSpec(
            name=name,
            kind=claim.kinds[0],
            outputs=claim.outputs,
            labels=_labels(name, claim, len(names), evidence, overrides, findings),
        )
        if claim.layout.strides:
            spec = dataclasses.replace(spec, strides=claim.layout.strides)
        shown = "; ".join(str(tensors[output]) for output in claim.outputs)
        reason = f"output {shown}: {claim.layout.words}; {claim.reason}"
        findings.heads.append(RecognisedHead(spec=spec, reason=reason))


def _labels(
    name: str, claim: HeadClaim, heads: int, evidence: Evidence, overrides: ModelOverrides, findings: _Findings
) -> tuple[str, ...]:
    classes = claim.layout.classes
    labels = given_labels(overrides, head=name, outputs=claim.outputs, heads=heads, classes=classes)
    if labels is None:
        labels = exported_labels(evidence.exporter, heads=heads, classes=classes)
    if labels is not None or classes is None:
        return labels or ()
    labels = numbered_labels(classes)
    findings.assumptions.append(
        f"head {name!r}: nothing names its classes, {classes} in number: {', '.join(labels[:2])}, ... "
        "(--labels FILE names them)"
    )
    return labels


def _note_arithmetic(evidence: Evidence, name: str, findings: _Findings) -> None:
    """Say so where the graph itself scales the image, since the usual factor would then be applied twice."""
    operators = evidence.model.operators_after(name, until=LEARNED)
    scaling = [operator for operator in operators if operator in ("Sub", "Add", "Mul", "Div", "BatchNormalization")]
    if scaling:
        findings.assumptions.append(
            f"the graph computes {', '.join(scaling)} on input {name!r} before its first convolution: "
            "check that scale, mean and std are not applied twice"
        )


def _take_outputs(tensors: tuple[TensorInfo, ...], findings: _Findings) -> None:
    types = {kind.value: kind for kind in TensorType}
    for tensor in tensors:
        if tensor.dtype not in types:
            problem = f"output {tensor}: expected one of {', '.join(types)}"
            findings.problems.append(Problem(text=problem, remedy="export it with such a type, or leave it out"))
        elif tensor.sizes is None:
            remedy = open_sizes_remedy([tensor]) or "export it with static sizes"
            findings.problems.append(Problem(text=f"output {tensor}: expected static sizes", remedy=remedy))
        else:
            findings.outputs.append(OutputSpec(name=tensor.name, shape=tensor.sizes, dtype=types[tensor.dtype]))
