"""An EngineReport as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from trt_perception.engine.engine_report import EngineReport
from trt_perception.engine.layer_table import render_region_table
from trt_perception.engine.manifest import Manifest

_SHOWN = 8


def render_report(report: EngineReport) -> str:
    """The engine in short paragraphs, what could not be told last. No newline at the end."""
    return "\n".join(line.rstrip() for line in _lines(report))


def _lines(report: EngineReport) -> Iterator[str]:
    yield str(report.path)
    if report.manifest is not None:
        yield from _manifest(report.manifest)
        signer = "not verified, no public key was given" if report.signed_by is None else f"by {report.signed_by}"
        yield f"  {'signature':<12}{signer}"
    yield from _tensors(report)
    if report.layers:
        memory = f", {report.device_memory_mib:.1f} MiB of device memory a context" if report.device_memory_mib else ""
        yield from ("", f"{len(report.layers)} layers{memory}", render_region_table(report.regions))
    yield from _verification(report)
    for note in report.notes:
        yield from ("", f"note: {note}")


def _manifest(manifest: Manifest) -> Iterator[str]:
    plan = manifest.precision_plan
    rows = {
        "model": f"{manifest.spec.name}, from {manifest.model_file or 'a file that is not known'}",
        "plan": "built elsewhere and adopted"
        if manifest.adopted or plan is None
        else f"{plan.name or 'without a name'} ({_words(manifest)})",
        "built": f"{manifest.created}, by {manifest.tensorrt}, for {manifest.gpu}",
        "size": f"{manifest.plan_bytes / 2**20:.1f} MiB, sha256 {manifest.plan_sha256[:16]}",
        "calibration": manifest.calibration_file or "none",
    }
    yield from (f"  {key:<12}{value}" for key, value in rows.items())


def _words(manifest: Manifest) -> str:
    plan = manifest.precision_plan
    precisions = {} if plan is None else {name: getattr(plan.precisions, name) for name in ("backbone", "neck", "head")}
    return ", ".join(f"{region} {precision.value}" for region, precision in precisions.items())


def _tensors(report: EngineReport) -> Iterator[str]:
    """As the engine says; where it was not opened, as its manifest does."""
    spec = report.manifest.spec if report.manifest is not None else None
    if report.tensors:
        rows = [(item.is_input, item.name, item.dtype, item.shape) for item in report.tensors]
    elif spec is not None:
        rows = [(True, item.name, item.dtype.value, item.shape) for item in spec.inputs]
        rows += [(False, item.name, item.dtype.value, item.shape) for item in spec.outputs]
    else:
        return
    yield from ("", "inputs and outputs")
    for is_input, name, dtype, shape in rows:
        yield f"  {'input' if is_input else 'output':<8}{name:<24}{dtype:<10}{'x'.join(map(str, shape))}"


def _verification(report: EngineReport) -> Iterator[str]:
    found = report.check or (report.manifest.verification if report.manifest is not None else None)
    if found is None:
        return
    when = "" if report.check is not None else " (when it was built)"
    counts = f"{len(found.honoured)} honoured, {len(found.not_honoured)} not, {len(found.undetermined)} undetermined"
    yield from ("", f"precision plan{when}: {counts}")
    yield from _named("not honoured", found.not_honoured)
    yield from _named("undetermined", found.undetermined)
    if report.check is not None:
        yield from _named("wider than planned", report.check.wider)
        yield from _named("unexplained conversion", report.check.unexplained)


def _named(title: str, texts: Mapping[str, str]) -> Iterator[str]:
    for name, text in list(texts.items())[:_SHOWN]:
        yield f"  {title}: {name}: {text}"
    if len(texts) > _SHOWN:
        yield f"  {title}: {len(texts) - _SHOWN} more, see --json"
