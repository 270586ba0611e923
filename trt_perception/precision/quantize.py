"""From a model, a precision plan and calibrated ranges to the graph that an engine is built from, with its account."""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import Any

from trt_perception.errors import InputError, ModelError
from trt_perception.options.write_atomically import write_atomically
from trt_perception.precision import carried_quantizers, flags_emitter, strong_emitter
from trt_perception.precision.account import Account
from trt_perception.precision.calibration_table import CalibrationTable
from trt_perception.precision.graph_cleaning import clean_graph
from trt_perception.precision.graph_view import GraphView
from trt_perception.precision.make_account import QuantizationSource, carried_account, emitted_account
from trt_perception.precision.node_precisions import node_precisions
from trt_perception.precision.precision_plan import Precision, PrecisionPlan
from trt_perception.precision.qdq_placement import calibrated_tensors, place_quantizers
from trt_perception.precision.regions import assign_regions
from trt_perception.precision.render_account import render_account


class Emitter(str, Enum):
    """For which kind of TensorRT a graph is written."""

    STRONG = "strong"
    """Strongly typed networks: TensorRT 10.x, 11, TensorRT-RTX."""
    FLAGS = "flags"
    """Builders with precision flags: TensorRT 8.6."""


def tensors_to_calibrate(model: Path, plan: PrecisionPlan) -> tuple[str, ...]:
    """The tensors of `model` that `quantize` needs ranges of, in graph order; empty where nothing becomes INT8.

    Raises:
        ModelError: The model cannot be read or fits the plan's patterns in part only.
        MissingError: The onnx package is not installed.
    """
    source = _source(Path(model), plan, None)
    if carried_quantizers.carries_quantizers(source.view):
        return ()
    return calibrated_tensors(source.view, node_precisions(source.view, source.regions, plan))


def quantize(
    model: Path, plan: PrecisionPlan, table: CalibrationTable | None, *, emitter: Emitter, out: Path
) -> Account:
    """Write the mixed-precision graph to `out`, and beside it its account as `.json` and `.md`.

    A model that carries quantizers already is written as it is, checked and reported.

    Args:
        model: The ONNX, in FP32.
        plan: Precisions of the regions.
        table: Calibrated ranges of this very file; may be None where nothing becomes INT8.
        emitter: For which TensorRT.
        out: The new ONNX.

    Raises:
        ModelError: The model cannot be read, cleaned or brought to the emitter's opset, is not FP32, or lacks ranges.
        InputError: The table belongs to another file, or `out` is the model itself or cannot be written.
        MissingError: The onnx package is not installed.
    """
    emitter = Emitter(emitter)
    if out.resolve() == Path(model).resolve():
        raise InputError(f"{out}: expected another file than the model itself; give another --out")
    source = _source(Path(model), plan, emitter)
    if carried_quantizers.carries_quantizers(source.view):
        written, account = source.cleaning.model, carried_account(source)
    else:
        _check_floats(source)
        written, account = _emit(source, table, emitter)
    _write(written, account, out)
    return account


def account_paths(out: Path) -> tuple[Path, Path]:
    """Where the account of a graph lies: JSON and Markdown, beside it."""
    return out.with_suffix(".account.json"), out.with_suffix(".account.md")


def _source(model: Path, plan: PrecisionPlan, emitter: Emitter | None) -> QuantizationSource:
    """The model as an emitter wants it; None: in its own opset."""
    if emitter is None:
        cleaning = clean_graph(model)
    elif emitter is Emitter.STRONG:
        cleaning = clean_graph(model, lowest_opset=strong_emitter.LOWEST_OPSET)
    else:
        cleaning = clean_graph(
            model, lowest_opset=flags_emitter.LOWEST_OPSET, highest_opset=flags_emitter.HIGHEST_OPSET
        )
    view = GraphView(cleaning.model)
    regions = assign_regions(view, plan, model=model.name)
    return QuantizationSource(path=model, cleaning=cleaning, view=view, regions=regions, plan=plan)


def _check_floats(source: QuantizationSource) -> None:
    from onnx import TensorProto

    view = source.view
    for tensor in (*view.inputs, *view.initializers):
        if view.element_type(tensor) in (TensorProto.FLOAT16, TensorProto.BFLOAT16):
            raise ModelError(
                source.path.name, f"expected an FP32 model, got 16-bit floats in {tensor}", "export it in FP32"
            )
    for node in view.nodes:
        if any(item.HasField("g") or item.graphs for item in node.attribute):
            raise ModelError(
                source.path.name,
                f"{node.name} ({node.op_type}) holds a graph of its own, whose types cannot be planned",
                "export the model without control flow",
            )


def _emit(source: QuantizationSource, table: CalibrationTable | None, emitter: Emitter) -> tuple[Any, Account]:
    view, plan = source.view, source.plan
    ranges = {} if table is None else table.ranges
    dead = () if table is None else table.dead
    precisions = node_precisions(view, source.regions, plan, ranges=ranges, dead=dead)
    if table is not None and calibrated_tensors(view, precisions) and table.model_sha256 != source.sha256:
        raise InputError(
            f"calibration table: expected ranges of {source.path.name} (sha256 {source.sha256[:12]}), "
            f"got those of another file ({table.model_sha256[:12]}); calibrate this file"
        )
    strong = emitter is Emitter.STRONG
    placement = place_quantizers(
        view,
        precisions,
        ranges,
        fp16_scales=strong,
        share_quantizers=plan.share_quantizers,
        model=source.path.name,
    )
    if strong:
        writer = strong_emitter.strong_writer(view, precisions, placement)
        layers: dict[str, Precision] = {}
    else:
        writer = flags_emitter.flags_writer(view, placement)
        layers = flags_emitter.layer_precisions(view, precisions, placement)
    model = writer.write()
    account = emitted_account(
        source,
        emitter=emitter.value,
        table=table if placement.activations else None,
        precisions=precisions,
        placement=placement,
        writer=writer,
        layer_precisions=layers,
    )
    return model, account


def _write(model: Any, account: Account, out: Path) -> None:
    import onnx

    onnx.checker.check_model(model, full_check=True)
    as_json, as_text = account_paths(out)
    try:
        write_atomically(out, model.SerializeToString())
        write_atomically(as_json, (json.dumps(account.to_plain(), indent=2) + "\n").encode())
        write_atomically(as_text, render_account(account).encode())
    except OSError as error:
        raise InputError(f"{out}: cannot be written: {error.strerror or error}; check folder and free space") from error
