"""`trt-perception build`: engines out of models, with manifest and card; nothing where they are there already."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trt_perception.cli.build_arguments import OF_ONE_MODEL, add_build_arguments, engine_options
from trt_perception.cli.build_progress import build_progress
from trt_perception.errors import InputError
from trt_perception.model.model_overrides import parse_overrides
from trt_perception.precision.named_plan import DEFAULT_PLAN, named_plan

if TYPE_CHECKING:
    from trt_perception.engine.engine_request import EngineRequest
    from trt_perception.engine.made_engine import MadeEngine

NAME = "build"
SUMMARY = "build a model's TensorRT engine, verified against its precision plan, with manifest and card"
EXAMPLE = "trt-perception build yolox_nano.onnx --calibration yolox_nano.calibration.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("model", type=Path, nargs="?", help="the model's YAML, or the ONNX itself, in FP32")
    parser.add_argument("--config", type=Path, metavar="YAML", help="build the engine of every model of this config")
    add_build_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Build what is not there; print what is."""
    from trt_perception.engine.signature import sign_engine

    made = []
    for request in _requests(arguments):
        one = _adopt(request) if arguments.adopt is not None else _make(request)
        if arguments.sign is not None:
            sign_engine(one.path, arguments.sign)
        made.append(one)
        if not arguments.json:
            print(_to_text(one), flush=True)
    if arguments.json:
        print(json.dumps([_to_plain(one) for one in made], indent=2))
    elif not made:
        print(f"{arguments.config}: every model is an engine already, there is nothing to build")
    return 0


def _requests(arguments: argparse.Namespace) -> Sequence[EngineRequest]:
    if (arguments.model is None) == (arguments.config is None):
        raise InputError("expected a model, or --config YAML, and not both")
    return _of_model(arguments) if arguments.config is None else _of_config(arguments)


def _of_config(arguments: argparse.Namespace) -> Sequence[EngineRequest]:
    from trt_perception.settings.engine_requests import engine_requests
    from trt_perception.settings.load_settings import load_settings

    given = [name for name in OF_ONE_MODEL if getattr(arguments, name) not in (None, False, [])]
    if given:
        name = f"--{given[0].replace('_', '-').removesuffix('-mib')}"
        raise InputError(f"{name}: with --config every model's `engine` says it; write it there")
    settings = load_settings(arguments.config)
    return engine_requests(settings, module=arguments.module, device=arguments.device, force=arguments.force)


def _of_model(arguments: argparse.Namespace) -> Sequence[EngineRequest]:
    from trt_perception.engine.engine_request import EngineRequest
    from trt_perception.settings.engine_requests import default_engine_file

    return [
        EngineRequest(
            model=arguments.model,
            out=_out(arguments) or default_engine_file(arguments.model),
            plan=named_plan(arguments.plan or DEFAULT_PLAN),
            calibration=arguments.calibration,
            options=engine_options(arguments),
            module=arguments.module,
            device=arguments.device,
            force=arguments.force,
            overrides=parse_overrides(
                head=arguments.head, labels=arguments.labels, shape=arguments.shape, preprocess=arguments.preprocess
            ),
        )
    ]


def _out(arguments: argparse.Namespace) -> Path | None:
    """Where the engine is to be; a plan that is adopted stays where it is."""
    out: Path | None = arguments.out
    plan: Path | None = arguments.adopt
    if plan is None or plan == Path():
        return out
    if out is not None and out.absolute() != plan.absolute():
        raise InputError(
            f"--out {out}: a plan is adopted where it lies ({plan}); copy it there first, or leave one out"
        )
    return plan


def _make(request: EngineRequest) -> MadeEngine:
    from trt_perception.engine.make_engine import make_engine

    with build_progress(request.out.name) as progress:
        return make_engine(request, progress=progress, waiting=_say)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _adopt(request: EngineRequest) -> MadeEngine:
    from trt_perception.engine.adopt_engine import adopt_engine
    from trt_perception.engine.engine_options import EngineOptions
    from trt_perception.engine.gpu_identity import current_gpu
    from trt_perception.engine.made_engine import MadeEngine
    from trt_perception.engine.tensorrt_module import load_tensorrt
    from trt_perception.model.load_spec import load_spec

    adopted = adopt_engine(
        request.out,
        load_spec(request.model, overrides=request.overrides),
        trt=load_tensorrt(request.module),
        gpu=current_gpu(request.device),
        # What is left at its default was not told: nobody knows how the plan was built.
        options=None if request.options == EngineOptions() else request.options,
        waiting=_say,
    )
    return MadeEngine(path=request.out.absolute(), manifest=adopted.manifest, built=False, messages=adopted.warnings)


def _to_plain(one: MadeEngine) -> dict[str, Any]:
    return {
        "engine": str(one.path),
        "built": one.built,
        "messages": list(one.messages),
        "manifest": one.manifest.to_plain(),
    }


def _to_text(one: MadeEngine) -> str:
    manifest = one.manifest
    if manifest.adopted:
        state = "adopted"
    elif not one.built:
        state = "current, nothing was built"
    elif manifest.build is not None:
        cache = {"none": "", "made": ", timing cache written"}.get(
            manifest.build.timing_cache, f", timing cache {manifest.build.timing_cache}"
        )
        state = f"built in {manifest.build.seconds:.1f} s{cache}, {manifest.plan_bytes / 2**20:.2f} MiB"
    lines = [f"{one.path}: {state}"]
    if one.built:
        lines.append(f"verification: {_verification(one)}")
    lines += one.messages
    return "\n".join(lines)


def _verification(one: MadeEngine) -> str:
    check = one.manifest.verification
    if check is None:
        return "not inspected here: it was built for a GPU that need not be here"
    return (
        f"{len(check.honoured)} nodes as planned, {len(check.undetermined)} undetermined; {one.path.name}.md names them"
    )
