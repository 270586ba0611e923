"""An Inspection as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from trt_perception.model.choose_preprocess import preprocess_words
from trt_perception.model.inspection import Inspection
from trt_perception.model.tensor_info import TensorInfo

_VALUE_CHARACTERS = 100
_SHOWN_OPERATORS = 12
_SHOWN_LABELS = 8


def render_text(inspection: Inspection) -> str:
    """The inspection in short paragraphs, what is assumed and what is wrong last. No newline at the end."""
    return "\n".join(line.rstrip() for line in _lines(inspection))


def _lines(inspection: Inspection) -> Iterator[str]:
    yield inspection.path
    yield from _table(
        [
            ("file", f"{_size(inspection.file_bytes)}, sha256 {inspection.sha256[:16]}"),
            ("producer", inspection.producer or "(not stated)"),
            ("opset", ", ".join(f"{domain} {version}" for domain, version in inspection.opsets.items()) or "none"),
            ("weights", _weights(inspection)),
            ("operators", _counted(inspection)),
        ]
    )
    yield from _tensors("inputs", inspection.inputs)
    yield from _tensors("outputs", inspection.outputs)
    yield ""
    yield "metadata" + ("" if inspection.metadata else ": none")
    yield from _table([(key, _short(value)) for key, value in inspection.metadata.items()])
    yield from _heads(inspection)
    yield from _listed("assumed, since nothing in the file says it", inspection.assumptions)
    yield from _listed("cannot be used as it is", [str(problem) for problem in inspection.problems])


def _heads(inspection: Inspection) -> Iterator[str]:
    yield ""
    yield "heads" + ("" if inspection.heads else ": none recognised")
    for head in inspection.heads:
        yield f"  {head.spec.name}: {head.spec.kind.value}, {_labels(head.spec.labels)}"
        yield f"    {head.reason}"
    for item in inspection.spec.inputs if inspection.spec else ():
        yield f"  input {item.name} takes {preprocess_words(item.preprocess)}"


def _labels(labels: Sequence[str]) -> str:
    shown = ", ".join(labels[:_SHOWN_LABELS]) + (", ..." if len(labels) > _SHOWN_LABELS else "")
    return f"{len(labels)} classes ({shown})" if labels else "classes unknown"


def _weights(inspection: Inspection) -> str:
    parts = [f"{_size(count)} {dtype}" for dtype, count in inspection.weights.items()]
    text = f"{inspection.parameters / 1e6:.2f} M parameters, {', '.join(parts) or 'none'}"
    return text + (f", in {', '.join(inspection.external_files)}" if inspection.external_files else "")


def _counted(inspection: Inspection) -> str:
    shown = [f"{count} {name}" for name, count in list(inspection.operators.items())[:_SHOWN_OPERATORS]]
    more = len(inspection.operators) - len(shown)
    total = sum(inspection.operators.values())
    return f"{total}: {', '.join(shown)}" + (f" and {more} more types" if more > 0 else "")


def _tensors(title: str, tensors: Sequence[TensorInfo]) -> Iterator[str]:
    yield ""
    yield title + ("" if tensors else ": none")
    yield from _table([(tensor.name, str(tensor).removeprefix(f"{tensor.name!r} ")) for tensor in tensors])


def _table(rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    width = max((len(key) for key, _ in rows), default=0)
    return (f"  {key:<{width}}  {value}" for key, value in rows)


def _listed(title: str, lines: Iterable[str]) -> Iterator[str]:
    for index, line in enumerate(lines):
        if index == 0:
            yield ""
            yield title
        yield f"  - {line}"


def _short(value: str) -> str:
    text = " ".join(value.split())
    return text if len(text) <= _VALUE_CHARACTERS else text[: _VALUE_CHARACTERS - 3] + "..."


def _size(count: int) -> str:
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count} B"
