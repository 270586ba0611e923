"""Graphs as `quantize` writes them, with ranges of one random image: right in form, of no use for accuracy."""

from __future__ import annotations

from pathlib import Path

from helpers.max_ranges import max_table, random_feeds
from trt_perception.precision.account import Account
from trt_perception.precision.precision_plan import PrecisionPlan
from trt_perception.precision.quantize import Emitter, quantize


def quantized(
    model: Path, plan: PrecisionPlan, folder: Path, *, emitter: Emitter = Emitter.STRONG
) -> tuple[Path, Account]:
    """Write the graph into the folder."""
    out = folder / f"{emitter.value}.onnx"
    return out, quantize(model, plan, max_table(model, plan, random_feeds(model)), emitter=emitter, out=out)
