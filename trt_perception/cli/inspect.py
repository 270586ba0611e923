"""`trt-perception inspect`: what a model or an engine is; for a model the YAML from which the node reads it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from trt_perception.cli.key_argument import add_key_argument
from trt_perception.engine.engine_report import is_engine, report_engine
from trt_perception.engine.render_report import render_report
from trt_perception.errors import InputError
from trt_perception.model.inspection import Inspection, inspect_model
from trt_perception.model.model_overrides import parse_overrides
from trt_perception.model.render_inspection import render_text
from trt_perception.model.write_spec import write_spec

NAME = "inspect"
SUMMARY = "show what a model or an engine is: inputs, outputs, heads, layers; write the YAML that the node reads"
EXAMPLE = "trt-perception inspect yolox_nano.onnx --labels coco.txt --write yolox_nano.yaml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("model", type=Path, help="an ONNX file, or an engine (.engine, .plan, .trt)")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument(
        "--write", type=Path, metavar="YAML", help="write the model's YAML, from which the node reads it"
    )
    parser.add_argument("--device", type=int, default=0, help="GPU on which an engine is opened (default: 0)")
    add_key_argument(parser)
    parser.add_argument("--overwrite", action="store_true", help="let --write replace an existing file")
    given = parser.add_argument_group("what the model does not say (each may be given several times)")
    given.add_argument("--head", action="append", default=[], metavar="[OUTPUT=]KIND", help="family of a head")
    given.add_argument("--labels", action="append", default=[], metavar="[OUTPUT=]FILE", help="names of the classes")
    given.add_argument(
        "--shape", action="append", default=[], metavar="INPUT=SIZES", help="static shape, e.g. images=1x3x640x640"
    )
    given.add_argument(
        "--preprocess", action="append", default=[], metavar="FIELD=VALUE", help="e.g. scale=1.0 or channel_order=bgr"
    )
    given.add_argument("--name", default="", help="name of the model (default: that of the file)")


def run(arguments: argparse.Namespace) -> int:
    """Print what was found; 2 where the model cannot be used as it is."""
    if is_engine(arguments.model):
        return _inspect_engine(arguments)
    if arguments.public_key is not None:
        raise InputError(f"--public-key: expected an engine with it, got {arguments.model}; leave it out")
    overrides = parse_overrides(
        head=arguments.head,
        labels=arguments.labels,
        shape=arguments.shape,
        preprocess=arguments.preprocess,
        name=arguments.name,
    )
    inspection = inspect_model(arguments.model, overrides=overrides)
    print(json.dumps(inspection.to_plain(), indent=2) if arguments.json else render_text(inspection))
    if arguments.write is not None:
        _write(inspection, arguments)
    return 0 if inspection.spec is not None else 2


def _inspect_engine(arguments: argparse.Namespace) -> int:
    """An engine's manifest says what the model is; it is not asked for."""
    given = [name for name in ("write", "head", "labels", "shape", "preprocess", "name") if getattr(arguments, name)]
    if given:
        raise InputError(
            f"--{given[0]}: expected an ONNX file with it, got the engine {arguments.model}; inspect the ONNX instead"
        )
    report = report_engine(arguments.model, device=arguments.device, public_key=arguments.public_key)
    print(json.dumps(report.to_plain(), indent=2) if arguments.json else render_report(report))
    return 0


def _write(inspection: Inspection, arguments: argparse.Namespace) -> None:
    if inspection.spec is None:
        return  # the problems are printed, and the exit code says so
    write_spec(inspection.spec, arguments.write, overwrite=arguments.overwrite, notes=inspection.assumptions)
    if not arguments.json:
        print(f"written: {arguments.write}")
