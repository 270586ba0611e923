"""`trt-perception doctor`: what is here, and what to do about the rest."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from trt_perception.cli.key_argument import add_key_argument
from trt_perception.cli.table import render_table
from trt_perception.errors import InputError

NAME = "doctor"
SUMMARY = "say what is here (ROS, DDS, GPU, TensorRT, packages) and what to do about the rest"
EXAMPLE = "trt-perception doctor --for ros --config perception.yaml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument(
        "--for",
        dest="needs",
        action="append",
        choices=("ros", "onnxruntime", "tensorrt"),
        help="what must be here for exit code 0; may be given several times (default: nothing, only report)",
    )
    parser.add_argument("--config", type=Path, metavar="YAML", help="check that this config's engines load here, too")
    parser.add_argument("--engines", type=Path, metavar="FOLDER", help="check that the engines in a folder load here")
    add_key_argument(parser)
    parser.add_argument("--json", action="store_true", help="print the checks as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print every check; 3 where something asked for is missing: a use with --for, or an engine that does not load."""
    from trt_perception.doctor.checks import all_checks
    from trt_perception.doctor.engine_checks import ENGINES, config_engines, folder_engines
    from trt_perception.doctor.finding import Level

    if arguments.public_key is not None and arguments.engines is None:
        raise InputError("--public-key: expected --engines with it; a config names its own keys")
    findings = all_checks()
    findings += config_engines(arguments.config) if arguments.config is not None else []
    findings += (
        folder_engines(arguments.engines, public_key=arguments.public_key) if arguments.engines is not None else []
    )
    if arguments.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        rows = [(finding.level.value, finding.subject, finding.detail) for finding in findings]
        print(render_table(("", "what", "found"), rows))
        remedies = [finding for finding in findings if finding.remedy]
        if remedies:
            print("\nWhat to do:")
            for finding in remedies:
                print(f"  {finding.subject}: {finding.remedy}")
    needed = {ENGINES, *(arguments.needs or ())}
    return 3 if any(f.level is Level.MISSING and needed & set(f.needed_for) for f in findings) else 0
