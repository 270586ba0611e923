"""An account as Markdown, for people."""

from __future__ import annotations

from collections.abc import Sequence

from trt_perception.precision.account import Account, NodeAccount, WeightAccount
from trt_perception.precision.markdown import code_names, markdown_list, markdown_table
from trt_perception.precision.precision_plan import Precision, Region


def render_summary(account: Account) -> str:
    """The table of regions and precisions, and what was added."""
    counts = account.counts()
    rows = [
        [region.value, account.plan.precision(region).value]
        + [str(counts.get((region, precision), 0)) for precision in Precision]
        for region in Region
    ]
    table = markdown_table(["region", "planned", *(f"{precision.value} nodes" for precision in Precision)], rows)
    added = (
        f"{len(account.activations)} activations and the weights of {len(account.weights)} layers quantized, "
        f"{len(account.casts)} casts, opset {account.source_opset} to {account.opset}, emitter {account.emitter}."
    )
    return f"{table}\n\n{added}"


def render_account(account: Account) -> str:
    """The whole account."""
    parts = [f"# Precision of {account.model}", render_summary(account)]
    if account.calibration:
        facts = ", ".join(f"{key} {value}" for key, value in account.calibration.items())
        parts += ["## Calibration", facts]
    if account.findings:
        parts += ["## Findings", markdown_list(account.findings)]
    parts += ["## Regions", markdown_table(["region", "why", "nodes", "from", "to"], _runs(account.nodes))]
    if account.left_out:
        parts += ["## Left out of INT8", markdown_list(f"`{name}`: {why}" for name, why in account.left_out.items())]
    kept = [node for node in account.nodes if node.reason]
    if kept:
        parts += ["## Kept from the precision of their region", markdown_list(_kept(node) for node in kept)]
    if account.activations:
        rows = [
            [f"`{item.tensor}`", _number(item.scale), code_names(item.readers), code_names(item.shared_with)]
            for item in account.activations
        ]
        parts += ["## Q/DQ on activations", markdown_table(["tensor", "scale", "read by", "same scale as"], rows)]
    if account.weights:
        rows = [
            [f"`{item.node}`", str(item.axis), str(item.channels), *map(_number, _extremes(item))]
            for item in account.weights
        ]
        header = ["layer", "axis", "channels", "smallest scale", "largest scale"]
        parts += ["## Q/DQ on weights", markdown_table(header, rows)]
    if account.casts:
        rows = [[f"`{item.tensor}`", item.to.value, code_names(item.readers) or "an output"] for item in account.casts]
        parts += ["## Casts", markdown_table(["tensor", "to", "read by"], rows)]
    if account.folded or account.removed:
        parts += [
            "## Cleaned",
            f"Folded: {code_names(account.folded) or 'none'}. Removed: {code_names(account.removed) or 'none'}.",
        ]
    return "\n\n".join(parts) + "\n"


def _kept(node: NodeAccount) -> str:
    return f"`{node.name}` ({node.op_type}): {node.precision.value}, {node.reason}"


def _extremes(item: WeightAccount) -> tuple[float, float]:
    return item.smallest_scale, item.largest_scale


def _number(value: float) -> str:
    return f"{value:.4g}"


def _runs(nodes: Sequence[NodeAccount]) -> list[list[str]]:
    """Neighbours of one region and reason in one row."""
    rows: list[list[str]] = []
    for node in nodes:
        start = [node.region.value, node.region_reason]
        if rows and rows[-1][:2] == start:
            rows[-1][2] = str(int(rows[-1][2]) + 1)
            rows[-1][4] = f"`{node.name}`"
        else:
            rows.append([*start, "1", f"`{node.name}`", f"`{node.name}`"])
    return rows
