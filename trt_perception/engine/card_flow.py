"""The flow of an engine as a Mermaid drawing."""

from __future__ import annotations

from collections.abc import Mapping

from trt_perception.engine.region_flow import INPUT, OUTPUT, FlowEdge, FlowPart, RegionFlow
from trt_perception.model.model_spec import ModelSpec
from trt_perception.precision.precision_plan import Precision

# One colour a precision; of a part, that of the one that most of its nodes have.
_STYLES = {
    Precision.INT8: "fill:#d5e8d4,stroke:#5b8a3c,color:#000",
    Precision.FP16: "fill:#dae8fc,stroke:#4a6ea9,color:#000",
    Precision.FP32: "fill:#ffe6cc,stroke:#b5732a,color:#000",
}

_ENTITIES = {"#": "#35;", "&": "#amp;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "`": "#96;"}


def mermaid_flow(flow: RegionFlow, spec: ModelSpec) -> str:
    """The drawing, with its fence.

    Args:
        flow: Parts and edges.
        spec: Shapes of inputs and outputs, and what the outputs mean.
    """
    number = {part.name: f"n{index}" for index, part in enumerate(flow.parts)}
    facts = _tensor_facts(spec)
    lines = ["flowchart LR"]
    lines += [f"    {number[part.name]}{_box(part, facts)}" for part in flow.parts]
    lines += [f"    {number[edge.source]} -->{_edge_label(edge)} {number[edge.target]}" for edge in flow.edges]
    lines += [f"    classDef {precision.value} {style}" for precision, style in _STYLES.items()]
    for precision in Precision:
        members = [number[part.name] for part in flow.parts if part.nodes and _main(part) is precision]
        if members:
            lines.append(f"    class {','.join(members)} {precision.value}")
    return "\n".join(["```mermaid", *lines, "```"])


def _tensor_facts(spec: ModelSpec) -> dict[str, str]:
    """What stands in the box of an input or output, beside its name."""
    facts = {item.name: f"{_shape(item.shape)} {item.dtype.value}" for item in spec.inputs}
    facts |= {item.name: f"{_shape(item.shape)} {item.dtype.value}" for item in spec.outputs}
    for head in spec.heads:
        for output in head.outputs:
            facts[output] = f"{facts.get(output, '')}<br/>{head.kind.value}".removeprefix("<br/>")
    return facts


def _box(part: FlowPart, facts: Mapping[str, str]) -> str:
    if part.kind in (INPUT, OUTPUT):
        return f'(["{_text(part.name)}<br/>{facts.get(part.name, "")}"])'
    nodes = "<br/>".join(f"{precision.value}: {count} nodes" for precision, count in _counts(part))
    return f'["{_text(part.name)}<br/>{nodes}"]'


def _counts(part: FlowPart) -> list[tuple[Precision, int]]:
    return [(precision, part.nodes[precision]) for precision in Precision if part.nodes.get(precision)]


def _main(part: FlowPart) -> Precision:
    """INT8 where there is any: between quantizers, a region counts its pointwise nodes as FP16."""
    return _counts(part)[0][0]


def _edge_label(edge: FlowEdge) -> str:
    words = [f"{kind} on {count}" for kind, count in sorted(edge.converters.items())]
    tensors = f"{edge.tensors} tensor{'s' if edge.tensors > 1 else ''}"
    return f'|"{_text(", ".join([tensors, *words]))}"|'


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def _text(text: str) -> str:
    """Text for the inside of a quoted label: Mermaid reads HTML there, and a quote would end it."""
    return "".join(_ENTITIES.get(character, character if character.isprintable() else "?") for character in text)
