"""TensorRT: makes, runs and measures engines through the package's own builder and runtime."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from bench.engines.engine_maker import EngineFacts, Layers, Speed, engine_options
from bench.engines.networks import Network
from trt_perception.engine.engine_account import read_engine_account
from trt_perception.engine.engine_profile import summarize_runs
from trt_perception.engine.engine_report import report_engine
from trt_perception.engine.engine_request import EngineRequest
from trt_perception.engine.gpu_identity import current_gpu
from trt_perception.engine.layer_check import check_layers
from trt_perception.engine.layer_table import layer_regions, region_table
from trt_perception.engine.load_engine_file import load_engine_file
from trt_perception.engine.make_engine import make_engine
from trt_perception.engine.manifest import read_manifest
from trt_perception.engine.tensorrt_module import identify, load_tensorrt
from trt_perception.precision.account import Account
from trt_perception.precision.calibration_table import read_table
from trt_perception.precision.quantize import Emitter, quantize
from trt_perception.runtime.backend import Backend
from trt_perception.runtime.engine_context import EngineContext
from trt_perception.runtime.gpu import Gpu
from trt_perception.runtime.profile_engine import record_runs
from trt_perception.runtime.tensorrt_backend import TensorRtBackend
from trt_perception.runtime.tensorrt_engine import TensorRtEngine

MODULE = "tensorrt"
IN_FLIGHT = 20
"""Inferences of a stream that are enqueued before the host waits: the GPU never waits for Python."""
WARM_UP = 10
PROFILE_RUNS = 100
SLOWEST = 25
"""Layers that are kept of a profile."""


class TensorRtMaker:
    """The engines lie in the folder of work; their timing caches make the next build shorter."""

    def identity(self) -> dict[str, str]:
        """GPU, driver and TensorRT that are here."""
        gpu = current_gpu(0)
        return {"gpu": gpu.name, "driver": gpu.driver, "tensorrt": str(identify(load_tensorrt(MODULE)))}

    def make(self, network: Network, precision: str, level: int) -> EngineFacts:
        """Build, verify, write; nothing where the engine is there."""
        path, options = network.engine(precision), engine_options(network, precision, level)
        path.parent.mkdir(parents=True, exist_ok=True)
        made = make_engine(
            EngineRequest(
                model=network.onnx,
                out=path,
                plan=network.plan(precision),
                calibration=network.table,
                options=options,
                module=MODULE,
                overrides=network.overrides,
            )
        )
        manifest, report = made.manifest, report_engine(path)
        build, check = manifest.build, manifest.verification
        return EngineFacts(
            network=network.name,
            precision=precision,
            plan_mb=manifest.plan_bytes / 1e6,
            device_mib=report.device_memory_mib or 0.0,
            build_s=build.seconds if build else 0.0,
            level=options.optimization_level,
            timing_cache=build.timing_cache if build else "",
            batch=tuple(shape[0] for profile in options.profiles for shape in (profile.min, profile.opt, profile.max)),
            honoured=len(check.honoured) if check else 0,
            undetermined=len(check.undetermined) if check else 0,
            messages=made.messages[-10:],
        )

    def backend(self, network: Network, precision: str) -> Backend:
        """The engine, one context."""
        return TensorRtBackend(network.spec, engine=network.engine(precision), module=MODULE, contexts=1)

    def measure(self, network: Network, precision: str, *, streams: int, batch: int, seconds: float) -> Speed:
        """One CUDA graph a stream, launched again and again; times by CUDA events."""
        with _opened(network, precision) as engine, ExitStack() as stack:
            gpu: Gpu = engine.gpu
            contexts = []
            for _ in range(streams):
                context = EngineContext(engine, shapes=_shapes(network, batch))
                stack.callback(context.close)
                context.prepare()
                contexts.append(context)
            events = [[gpu.make_event(timing=True) for _ in range(IN_FLIGHT + 1)] for _ in contexts]
            _launch_all(gpu, contexts, events)
            times: list[float] = []
            started = time.perf_counter()
            while not times or time.perf_counter() - started < seconds:
                times += _launch_all(gpu, contexts, events)
            wall = time.perf_counter() - started
            return Speed(
                streams=streams,
                batch=batch,
                p50_ms=float(np.median(times)),
                p99_ms=float(np.percentile(times, 99)),
                frames_per_s=len(times) * batch / wall,
            )

    def layers(self, network: Network, precision: str, *, profile_batch: int | None) -> Layers:
        """The inspector's layers beside the plan, and the profiler's times."""
        with _opened(network, precision) as engine:
            layers = engine.layers()
            account = _account(network, precision)
            check, regions = check_layers(layers, account), layer_regions(layers, account)
            hot: list[dict[str, Any]] = []
            slowest: list[dict[str, Any]] = []
            if profile_batch is not None:
                context = EngineContext(engine, shapes=_shapes(network, profile_batch))
                try:
                    runs = record_runs(engine.trt, context, runs=PROFILE_RUNS, warm_up=WARM_UP)
                finally:
                    context.close()
                profile = summarize_runs(runs, layers, regions)
                hot = [asdict(row) for row in profile.regions]
                slowest = [asdict(row) for row in profile.hottest(SLOWEST)]
        return Layers(
            regions=[{**asdict(row), "layers": dict(row.layers)} for row in region_table(layers, account)],
            copies=dict(check.copies),
            unexplained=dict(check.unexplained),
            undetermined=dict(check.undetermined),
            hot=hot,
            slowest=slowest,
        )


@contextmanager
def _opened(network: Network, precision: str) -> Iterator[TensorRtEngine]:
    trt, path = load_tensorrt(MODULE), network.engine(precision)
    loaded = load_engine_file(path, tensorrt=identify(trt), gpu=current_gpu(0))
    engine = TensorRtEngine(trt, Gpu(0), loaded.plan, name=str(path))
    try:
        yield engine
    finally:
        engine.close()


def _shapes(network: Network, batch: int) -> dict[str, tuple[int, ...]]:
    if not network.is_dynamic:
        return {}
    return {item.name: (batch, *item.shape[1:]) for item in network.spec.inputs}


def _launch_all(gpu: Gpu, contexts: list[EngineContext], events: list[list[Any]]) -> list[float]:
    """IN_FLIGHT inferences of every stream at once; the time of each, ms."""
    for context, own in zip(contexts, events, strict=True):
        context.stream.record(own[0])
    for number in range(1, IN_FLIGHT + 1):
        for context, own in zip(contexts, events, strict=True):
            context.launch()
            context.stream.record(own[number])
    for own in events:
        with gpu.guard("waiting for the engines"):
            own[-1].sync()
    return [float(own[number] - own[number - 1]) for own in events for number in range(1, IN_FLIGHT + 1)]


def _account(network: Network, precision: str) -> Account:
    """Which node lies where: beside the engine, or made again."""
    path = network.engine(precision)
    account = read_engine_account(path, read_manifest(path))
    if account is not None:
        return account
    with tempfile.TemporaryDirectory() as folder:
        table = read_table(network.table)
        graph = Path(folder) / "graph.onnx"
        return quantize(network.onnx, network.plan(precision), table, emitter=Emitter.FLAGS, out=graph)
