"""`trt-perception quantize`: a mixed-precision graph from a model, a precision plan and calibrated ranges."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trt_perception.errors import InputError
from trt_perception.precision.named_plan import DEFAULT_PLAN, named_plan

if TYPE_CHECKING:
    from trt_perception.engine.tensor_type_check import TensorTypeCheck
    from trt_perception.precision.account import Account

NAME = "quantize"
SUMMARY = "write a model's mixed-precision graph, with the account of what computes in what and why"
EXAMPLE = (
    "trt-perception quantize yolox_nano.onnx --plan int8_backbone_fp16_head --calibration yolox_nano.ranges.json "
    "--out yolox_nano.int8.onnx"
)
EMITTERS = ("strong", "flags")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("model", type=Path, help="the ONNX, in FP32")
    parser.add_argument("--out", type=Path, required=True, metavar="ONNX", help="the graph to write")
    parser.add_argument(
        "--plan",
        default=DEFAULT_PLAN,
        metavar="NAME|YAML",
        help=f"a precision plan: a YAML, or int8_backbone_fp16_head, int8, fp16 or fp32 (default: {DEFAULT_PLAN})",
    )
    parser.add_argument("--calibration", type=Path, metavar="JSON", help="the ranges that `calibrate` found")
    parser.add_argument(
        "--emitter",
        choices=EMITTERS,
        default="strong",
        help="strong: TensorRT 10.x, 11 and RTX, strongly typed; flags: TensorRT 8.6 (default: strong)",
    )
    parser.add_argument(
        "--check",
        metavar="MODULE",
        help="let this TensorRT parse the strong graph and compare its tensor types with the plan: "
        "tensorrt or tensorrt_rtx_bindings",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an existing graph and its account")
    parser.add_argument("--json", action="store_true", help="print the account as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Write the graph; 1 where --check finds a tensor of another type than planned."""
    from trt_perception.engine.tensorrt_module import load_tensorrt
    from trt_perception.precision.calibration_table import read_table
    from trt_perception.precision.quantize import Emitter, account_paths, quantize
    from trt_perception.precision.render_account import render_summary

    emitter = Emitter(arguments.emitter)
    if arguments.check and emitter is not Emitter.STRONG:
        raise InputError(f"--check: expected --emitter strong, got {emitter.value}; only its types stand in the graph")
    module = load_tensorrt(arguments.check) if arguments.check else None
    existing = [path for path in (arguments.out, *account_paths(arguments.out)) if path.exists()]
    if existing and not arguments.overwrite:
        raise InputError(f"{existing[0]}: exists already; give another --out, or --overwrite")
    table = read_table(arguments.calibration) if arguments.calibration else None
    account = quantize(arguments.model, named_plan(arguments.plan), table, emitter=emitter, out=arguments.out)
    check = None if module is None else _check(module, arguments.out, account)
    if arguments.json:
        print(json.dumps(account.to_plain(), indent=2))
    else:
        print(render_summary(account))
        for finding in account.findings:
            print(f"finding: {finding}")
        print(f"written: {', '.join(str(path) for path in (arguments.out, *account_paths(arguments.out)))}")
        if check is not None:
            print(f"{arguments.check}: {len(check.honoured)} tensors of the planned type, "
                  f"{len(check.not_honoured)} of another, {len(check.undetermined)} undetermined")  # fmt: skip
    if check is not None:
        check.require()
    return 0


def _check(module: Any, graph: Path, account: Account) -> TensorTypeCheck:
    from trt_perception.engine.parse_network import ParsedNetwork
    from trt_perception.engine.tensor_type_check import check_tensor_types

    return check_tensor_types(ParsedNetwork(module, graph, strongly_typed=True), account)
