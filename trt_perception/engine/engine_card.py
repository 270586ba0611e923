"""The engine card: what an engine is, in Markdown for people, beside the manifest that programs read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trt_perception.engine.card_facts import build_facts
from trt_perception.engine.card_flow import mermaid_flow
from trt_perception.engine.card_results import RESULTS, result_sections
from trt_perception.engine.engine_layer import EngineLayer
from trt_perception.engine.layer_check import LayerCheck
from trt_perception.engine.layer_table import region_table, render_region_table
from trt_perception.engine.manifest import Manifest
from trt_perception.engine.region_flow import RegionFlow
from trt_perception.precision.account import Account
from trt_perception.precision.markdown import code_names, markdown_list, markdown_table

NOT_INSPECTED = "not inspected here"
_SHOWN = 6
"""Names of undetermined nodes that a card shows one by one."""
_COPIES = (
    "A reformat changes layout or type of a tensor where two layers want it differently; it moves bytes and computes "
    "nothing. At the border of two precisions it is the price of the border."
)


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What is known of an engine's layers.

    Args:
        layers: As its inspector tells them.
        check: Against the plan.
    """

    layers: Sequence[EngineLayer]
    check: LayerCheck


def render_card(
    manifest: Manifest,
    *,
    account: Account | None = None,
    flow: RegionFlow | None = None,
    inspection: Inspection | None = None,
) -> str:
    """The card.

    Args:
        manifest: What the engine is.
        account: What `quantize` gave; None for an adopted plan.
        flow: The graph's flow; None for an adopted plan.
        inspection: The engine's layers; None where no runtime here could open it.
    """
    parts = [f"# {Path(manifest.spec.model).name}", _summary(manifest), "## Built from", build_facts(manifest, account)]
    if flow is not None:
        legend = (
            "Nodes of the graph by planned precision, and on the arrows what was put between the parts. A node counts "
            "as int8 where its inputs are quantized; TensorRT may take pointwise nodes between such into INT8, too."
        )
        parts += ["## Flow", legend, mermaid_flow(flow, manifest.spec)]
    parts += ["## Inputs and outputs", _tensors(manifest)]
    if account is not None and inspection is not None:
        parts += ["## Layers by region and precision", render_region_table(region_table(inspection.layers, account))]
    parts += ["## Verification", _verification(manifest, inspection)]
    if inspection is not None:
        parts += ["## Reformats", _copies(inspection.check)]
    if account is not None and account.left_out:
        parts += ["## Left out of INT8", markdown_list(f"`{name}`: {why}" for name, why in account.left_out.items())]
    parts.append(result_sections(manifest))
    return "\n\n".join(parts) + "\n"


def renew_results(card: str, manifest: Manifest) -> str:
    """A card with its sections of results made anew; all else stays, notes of the user too."""
    sections = result_sections(manifest)
    if not RESULTS.search(card):
        return f"{card.rstrip()}\n\n{sections}\n"
    return RESULTS.sub(lambda _: sections, card, count=1)


def _summary(manifest: Manifest) -> str:
    plan = manifest.precision_plan
    if manifest.adopted or plan is None:
        words = "an engine that was built elsewhere and adopted; what it computes in was not planned here"
    else:
        precisions = ", ".join(
            f"{region} {getattr(plan.precisions, region).value.upper()}" for region in ("backbone", "neck", "head")
        )
        words = f"{precisions} (precision plan `{plan.name or 'without a name'}`)"
    return f"TensorRT engine of **{manifest.spec.name}**: {words}."


def _tensors(manifest: Manifest) -> str:
    spec = manifest.spec
    heads = {output: head for head in spec.heads for output in head.outputs}
    rows = [
        ["input", f"`{item.name}`", "x".join(map(str, item.shape)), item.dtype.value, "image"] for item in spec.inputs
    ]
    for item in spec.outputs:
        head = heads.get(item.name)
        meaning = "" if head is None else f"{head.kind.value}, {len(head.labels)} classes"
        rows.append(["output", f"`{item.name}`", "x".join(map(str, item.shape)), item.dtype.value, meaning])
    return markdown_table(["", "tensor", "shape", "type", "meaning"], rows)


def _verification(manifest: Manifest, inspection: Inspection | None) -> str:
    if inspection is None:
        why = "the plan was built elsewhere" if manifest.adopted else "no runtime here could open the engine"
        command = f"`trt-perception inspect {Path(manifest.spec.model).name}`"
        return f"**{NOT_INSPECTED}**: {why}. {command} on its GPU shows its layers."
    check = inspection.check
    rows = [
        ["honoured", str(len(check.honoured)), ""],
        ["not honoured", str(len(check.not_honoured)), code_names(check.not_honoured)],
        ["undetermined", str(len(check.undetermined)), _some(check.undetermined)],
    ]
    if check.wider:
        rows.append(["honoured, but wider than planned", str(len(check.wider)), code_names(check.wider)])
    parts = [markdown_table(["nodes of the plan", "count", "names"], rows)]
    reasons = {**check.not_honoured, **_grouped(check.undetermined), **check.wider}
    if reasons:
        parts.append(markdown_list(f"`{name}`: {why}" for name, why in reasons.items()))
    return "\n\n".join(parts)


def _grouped(reasons: Mapping[str, str]) -> dict[str, str]:
    """Many nodes that are undetermined for one reason become one line."""
    groups: dict[str, list[str]] = {}
    for name, why in reasons.items():
        groups.setdefault(re.sub(r"layer '.*?'", "its layer", why), []).append(name)
    shown = {}
    for why, names in groups.items():
        if len(names) <= _SHOWN:
            shown.update({name: reasons[name] for name in names})
        else:
            shown[f"{names[0]}` and {len(names) - 1} more, to `{names[-1]}"] = why
    return shown


def _some(names: Mapping[str, str]) -> str:
    """The first names and the number of the others."""
    first = code_names(list(names)[:_SHOWN])
    return f"{first} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else first


def _copies(check: LayerCheck) -> str:
    if not check.copies:
        return "None."
    rows = [[f"`{name}`", why] for name, why in check.copies.items() if name not in check.unexplained]
    parts = [_COPIES]
    if rows:
        parts.append(markdown_table(["layer", "why"], rows))
    if check.unexplained:
        parts += [
            "Inside an INT8 region, and without a reason that is known here:",
            markdown_list(f"`{name}`: {what}" for name, what in check.unexplained.items()),
        ]
    return "\n\n".join(parts)
