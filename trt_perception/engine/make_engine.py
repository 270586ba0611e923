"""From a model and a precision plan to an engine that is verified, identified, and written as a whole."""

from __future__ import annotations

import dataclasses
import hashlib
import shlex
import tempfile
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from trt_perception.engine.any_spec import ENGINE_SUFFIX
from trt_perception.engine.build_plan import BuiltPlan
from trt_perception.engine.build_process import build_in_child
from trt_perception.engine.engine_account import write_engine_account
from trt_perception.engine.engine_card import Inspection, render_card
from trt_perception.engine.engine_files import EngineFiles, relative_path, write_engine
from trt_perception.engine.engine_lock import engine_lock
from trt_perception.engine.engine_origin import EngineOrigin, engine_origin
from trt_perception.engine.engine_request import EngineRequest
from trt_perception.engine.features import features_of
from trt_perception.engine.layer_check import check_layers
from trt_perception.engine.load_engine_file import load_engine_file
from trt_perception.engine.made_engine import MadeEngine
from trt_perception.engine.manifest import BuildRecord, Manifest, VerificationRecord
from trt_perception.engine.open_plan import open_plan
from trt_perception.engine.option_checks import is_strongly_typed
from trt_perception.engine.parse_network import ParsedNetwork
from trt_perception.engine.progress_monitor import Progress
from trt_perception.engine.read_layers import inspect_engine
from trt_perception.engine.region_flow import region_flow
from trt_perception.engine.tensor_type_check import check_tensor_types
from trt_perception.engine.tensorrt_module import load_tensorrt
from trt_perception.errors import EngineError, InputError
from trt_perception.model.paths import absolute
from trt_perception.precision.account import Account
from trt_perception.precision.model_digest import file_sha256
from trt_perception.precision.precision_plan import CalibratorMethod, CalibratorOptions
from trt_perception.precision.quantize import quantize, tensors_to_calibrate

QUANTIZING, BUILDING, VERIFYING = "quantizing", "building", "verifying"
"""Phases that are reported beside TensorRT's own."""


def make_engine(
    request: EngineRequest, *, progress: Progress | None = None, waiting: Callable[[str], None] | None = None
) -> MadeEngine:
    """See that the engine is there: build it where none is, or where one of another key is.

    Args:
        request: What is asked for.
        progress: Called with phase, step and steps; steps are 0 where TensorRT does not say how many there are.
        waiting: Called with a sentence where another process builds this engine, before waiting for it.

    Raises:
        InputError: Model, plan, calibration or options cannot be used together.
        EngineError: TensorRT cannot load its own plan, or the files cannot be written.
        GateError: TensorRT does not honour the plan; names the layers. Nothing is written.
        MissingError: TensorRT, a driver or the onnx package is not there.
        DeviceError: There is no GPU, or the builder failed on it.
    """
    if request.model.suffix.lower() == ENGINE_SUFFIX:
        raise InputError(f"{request.model}: is an engine already; give the ONNX or the model's YAML to build from")
    trt = load_tensorrt(request.module)
    origin = engine_origin(request, trt)
    _check_place(request, origin)
    current = _current(request, origin)
    if current is not None:
        return MadeEngine(path=EngineFiles(request.out).engine, manifest=current, built=False)
    with engine_lock(request.out, waiting=waiting):
        current = _current(request, origin)  # by another process, while this one waited
        if current is not None:
            return MadeEngine(path=EngineFiles(request.out).engine, manifest=current, built=False)
        return _make(request, origin, trt, progress or _silent)


def _check_place(request: EngineRequest, origin: EngineOrigin) -> None:
    """Nothing that the engine is made of may be where it is to be."""
    out = EngineFiles(request.out).engine
    for path in (request.model, origin.onnx, request.calibration):
        if path is not None and absolute(path) == out:
            raise InputError(f"{request.out}: expected a place for the engine, got {path}; give another --out")
    if out.is_dir():
        raise InputError(f"{request.out}: expected a file for the engine, got a folder; give {out / 'model.engine'}")


def _silent(phase: str, step: int, steps: int) -> None:
    """Nobody watches."""


def _current(request: EngineRequest, origin: EngineOrigin) -> Manifest | None:
    """The manifest of an engine that is what the request asks for; None where it is to be built."""
    if request.force:
        return None
    try:
        manifest = load_engine_file(request.out, tensorrt=origin.tensorrt, gpu=origin.gpu).manifest
    except EngineError:
        return None
    return manifest if manifest.key == origin.key else None


def _make(request: EngineRequest, origin: EngineOrigin, trt: Any, progress: Progress) -> MadeEngine:
    """Build and write; the engine's lock is held."""
    with tempfile.TemporaryDirectory(prefix="trt_perception_build_") as folder:
        graph = Path(folder) / f"{origin.onnx.stem}.{origin.emitter.value}.onnx"
        progress(QUANTIZING, 0, 1)
        account = _quantize(request, origin, graph)
        progress(QUANTIZING, 1, 1)
        _check_types(origin, trt, graph, account)
        progress(BUILDING, 0, 0)
        built = build_in_child(request.module, graph, account, origin.options, progress=progress)
        progress(VERIFYING, 0, 1)
        inspection = _inspect(request, origin, trt, built, account)
        manifest = _manifest(request, origin, built, inspection, emitter=account.emitter, graph=graph)
        card = render_card(manifest, account=account, flow=_flow(graph, account), inspection=inspection)
        # First: an account that is not its engine's is told by its digests, an engine without account by nothing.
        write_engine_account(request.out, account)
        write_engine(request.out, built.plan, manifest, card)
        progress(VERIFYING, 1, 1)
    return MadeEngine(path=EngineFiles(request.out).engine, manifest=manifest, built=True, messages=built.messages)


def _quantize(request: EngineRequest, origin: EngineOrigin, graph: Path) -> Account:
    if origin.table is None and tensors_to_calibrate(origin.onnx, origin.plan):
        raise _without_ranges(request, origin)
    return quantize(origin.onnx, origin.plan, origin.table, emitter=origin.emitter, out=graph)


def _check_types(origin: EngineOrigin, trt: Any, graph: Path, account: Account) -> None:
    """Before minutes of building: whether TensorRT's own types are those of the plan, where they stand in the graph."""
    if is_strongly_typed(features_of(trt), account, origin.tensorrt):
        network = ParsedNetwork(trt, graph, strongly_typed=True, plugins=origin.options.plugins)
        check_tensor_types(network, account).require()


def _without_ranges(request: EngineRequest, origin: EngineOrigin) -> InputError:
    plan, table = origin.plan, f"{origin.onnx.stem}.calibration.json"
    words = ["trt-perception", "calibrate", str(request.model), "BAG_OR_FOLDER"]
    calibrator, default = plan.calibrator, CalibratorOptions()
    if calibrator.method is not default.method:
        words += ["--method", calibrator.method.value]
    if calibrator.method is CalibratorMethod.PERCENTILE and calibrator.percentile != default.percentile:
        words += ["--percentile", str(calibrator.percentile)]
    return InputError(
        f"{request.model}: precision plan {plan.name or 'given'} has INT8 layers, whose ranges are not given; run: "
        f"{shlex.join([*words, '--out', table])}, then give --calibration {table}"
    )


def _inspect(
    request: EngineRequest, origin: EngineOrigin, trt: Any, built: BuiltPlan, account: Account
) -> Inspection | None:
    """What TensorRT made of the plan; None where the engine was built for a GPU that need not be here.

    Raises:
        GateError: Not what was planned.
        EngineError: The plan cannot be loaded.
    """
    if origin.options.ahead_of_time:
        return None
    with open_plan(trt, built.plan, name=request.out, plugins=dict.fromkeys(origin.options.plugins, "")) as engine:
        layers = inspect_engine(trt, engine)
    check = check_layers(layers, account)
    check.require()
    return Inspection(layers=layers, check=check)


def _manifest(
    request: EngineRequest,
    origin: EngineOrigin,
    built: BuiltPlan,
    inspection: Inspection | None,
    *,
    emitter: str,
    graph: Path,
) -> Manifest:
    files, check = EngineFiles(request.out), inspection.check if inspection is not None else None
    has_table = origin.table is not None and request.calibration is not None
    return Manifest(
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        plan_sha256=hashlib.sha256(built.plan).hexdigest(),
        plan_bytes=len(built.plan),
        model_file=relative_path(origin.onnx, files.engine),
        model_files=origin.model_files,
        model_sha256=origin.model_sha256,
        graph_sha256=file_sha256(graph),
        calibration_file=relative_path(request.calibration, files.engine) if has_table and request.calibration else "",
        calibration_digest=origin.table.digest if origin.table is not None else "",
        precision_plan=origin.plan,
        emitter=emitter,
        tensorrt=origin.tensorrt,
        gpu=origin.gpu,
        options=origin.options,
        plugins=origin.plugins,
        spec=dataclasses.replace(origin.spec, model=str(files.engine)),
        build=BuildRecord(seconds=built.seconds, timing_cache=built.timing_cache),
        verification=None
        if check is None
        else VerificationRecord(
            honoured=check.honoured,
            not_honoured=check.not_honoured,
            undetermined=check.undetermined,
            wider=check.wider,
        ),
        key=origin.key,
    )


def _flow(graph: Path, account: Account) -> Any:
    import onnx

    return region_flow(onnx.load(str(graph)), account)
