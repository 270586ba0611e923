"""TensorRT: makes, runs and measures engines through the package's own builder and runtime."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.engines.engine_maker import EngineFacts, Layers, Speed, engine_options
from bench.engines.latency_cards import keep_latency
from bench.engines.networks import Network
from trt_perception.cli.judge_card import accuracy_result
from trt_perception.engine.engine_account import read_engine_account
from trt_perception.engine.engine_profile import summarize_runs
from trt_perception.engine.engine_report import report_engine
from trt_perception.engine.engine_request import EngineRequest
from trt_perception.engine.gpu_identity import current_gpu
from trt_perception.engine.layer_check import check_layers
from trt_perception.engine.layer_table import layer_regions, region_table
from trt_perception.engine.make_engine import make_engine
from trt_perception.engine.manifest import read_manifest
from trt_perception.engine.tensorrt_module import identify, load_tensorrt
from trt_perception.engine.update_card import update_card
from trt_perception.precision.account import Account
from trt_perception.precision.calibration_table import read_table
from trt_perception.precision.quantize import Emitter, quantize
from trt_perception.runtime.backend import Backend
from trt_perception.runtime.bench_engine import bench_engines, shapes_of
from trt_perception.runtime.engine_context import EngineContext
from trt_perception.runtime.open_engine import open_engine
from trt_perception.runtime.profile_engine import record_runs
from trt_perception.runtime.tensorrt_backend import TensorRtBackend
from trt_perception.validate.agreement import Agreement

MODULE = "tensorrt"
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

    def bench(
        self,
        network: Network,
        precisions: tuple[str, ...],
        *,
        streams: tuple[int, ...],
        batches: tuple[int, ...],
        seconds: float,
    ) -> list[Speed]:
        """As the verb `bench` does it."""
        names = {network.engine(precision).name: precision for precision in precisions}
        result = bench_engines(
            [network.engine(precision) for precision in precisions], streams=streams, batches=batches, seconds=seconds
        )
        keep_latency([network.engine(precision) for precision in precisions], result)
        return [
            Speed(
                precision=names[row.engine],
                streams=row.streams,
                batch=row.batch,
                p50_ms=row.p50_ms,
                p99_ms=row.p99_ms,
                frames_per_s=row.frames_per_s,
                memory_mib=row.memory_bytes / 2**20,
                graph=row.graph,
            )
            for row in result.rows
        ]

    def keep_accuracy(self, network: Network, precision: str, agreement: Agreement) -> None:
        """Write it into the engine's manifest and card."""
        update_card(network.engine(precision), accuracy=accuracy_result(agreement, [Path("held-out synthetic drives")]))

    def layers(self, network: Network, precision: str, *, profile_batch: int | None) -> Layers:
        """The inspector's layers beside the plan, and the profiler's times."""
        opened = open_engine(network.engine(precision), module=MODULE)
        engine = opened.engine
        try:
            layers = engine.layers()
            account = _account(network, precision)
            check, regions = check_layers(layers, account), layer_regions(layers, account)
            hot: list[dict[str, Any]] = []
            slowest: list[dict[str, Any]] = []
            if profile_batch is not None:
                context = EngineContext(engine, shapes=shapes_of(opened, profile_batch))
                try:
                    runs = record_runs(engine.trt, context, runs=PROFILE_RUNS, warm_up=WARM_UP)
                finally:
                    context.close()
                profile = summarize_runs(runs, layers, regions)
                hot = [asdict(row) for row in profile.regions]
                slowest = [asdict(row) for row in profile.hottest(SLOWEST)]
        finally:
            engine.close()
        return Layers(
            regions=[{**asdict(row), "layers": dict(row.layers)} for row in region_table(layers, account)],
            copies=dict(check.copies),
            unexplained=dict(check.unexplained),
            undetermined=dict(check.undetermined),
            hot=hot,
            slowest=slowest,
        )


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
