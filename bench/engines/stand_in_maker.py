"""ONNX Runtime in the place of TensorRT, for rehearsals: what it measures says nothing about any GPU."""

from __future__ import annotations

import dataclasses
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from bench.engines.engine_maker import EngineFacts, Layers, Speed, engine_options, strong_graph
from bench.engines.networks import Network
from trt_perception.runtime.backend import Backend
from trt_perception.runtime.onnxruntime_backend import OnnxRuntimeBackend
from trt_perception.validate.agreement import Agreement


class StandInMaker:
    """An `engine` is the strong graph, copied."""

    def identity(self) -> dict[str, str]:
        """No GPU, and it says so."""
        return {"gpu": "none (rehearsal)", "driver": "none", "tensorrt": "none (ONNX Runtime stands in)"}

    def make(self, network: Network, precision: str, level: int) -> EngineFacts:
        """Quantize and copy."""
        started = time.monotonic()
        options = engine_options(network, precision, level)
        plan = strong_graph(network, precision).read_bytes()
        network.engine(precision).parent.mkdir(parents=True, exist_ok=True)
        network.engine(precision).write_bytes(plan)
        return EngineFacts(
            network=network.name,
            precision=precision,
            plan_mb=len(plan) / 1e6,
            device_mib=1.0,
            build_s=time.monotonic() - started,
            level=options.optimization_level,
            timing_cache="none",
            batch=tuple(shape[0] for profile in options.profiles for shape in (profile.min, profile.opt, profile.max)),
        )

    def backend(self, network: Network, precision: str) -> Backend:
        """The graph."""
        spec = dataclasses.replace(network.spec, model=str(network.engine(precision)))
        return OnnxRuntimeBackend(spec, threads=1, exact_quantizers=True)

    def bench(
        self,
        network: Network,
        precisions: tuple[str, ...],
        *,
        streams: tuple[int, ...],
        batches: tuple[int, ...],
        seconds: float,
    ) -> list[Speed]:
        """Threads of one session."""
        return [
            self._measure(network, precision, streams=count, batch=batch, seconds=seconds)
            for count in streams
            for batch in batches
            for precision in precisions
        ]

    def _measure(self, network: Network, precision: str, *, streams: int, batch: int, seconds: float) -> Speed:
        spec = network.spec
        inputs = tuple(dataclasses.replace(item, shape=(batch, *item.shape[1:])) for item in spec.inputs)
        outputs = tuple(dataclasses.replace(item, shape=(batch, *item.shape[1:])) for item in spec.outputs)
        spec = dataclasses.replace(spec, model=str(network.engine(precision)), inputs=inputs, outputs=outputs)
        arrays = {item.name: np.full(item.shape, 0.5, np.float32) for item in inputs}

        def loop(_: int) -> list[float]:
            times: list[float] = []
            end = time.monotonic() + seconds
            while not times or time.monotonic() < end:
                started = time.perf_counter()
                backend.infer(arrays)
                times.append((time.perf_counter() - started) * 1e3)
            return times

        with OnnxRuntimeBackend(spec, threads=1, exact_quantizers=True) as backend:
            started = time.perf_counter()
            with ThreadPoolExecutor(streams) as pool:
                times = [value for found in pool.map(loop, range(streams)) for value in found]
            wall = time.perf_counter() - started
        return Speed(
            precision=precision,
            streams=streams,
            batch=batch,
            p50_ms=float(np.median(times)),
            p99_ms=float(np.percentile(times, 99)),
            frames_per_s=len(times) * batch / wall,
            memory_mib=1.0,
            graph="no CUDA graph: rehearsal",
        )

    def keep_accuracy(self, network: Network, precision: str, agreement: Agreement) -> None:
        """There is no card."""

    def layers(self, network: Network, precision: str, *, profile_batch: int | None) -> Layers:
        """Nothing is known of its layers."""
        row = {"region": "backbone", "planned": "int8", "layers": {"int8": 1}, "copies": 0, "free": 0}
        hot = [{"region": "backbone", "precision": "int8", "layers": 1, "p50_ms": 1.0, "share": 1.0}]
        return Layers(regions=[row], copies={}, unexplained={}, undetermined={}, hot=hot if profile_batch else [])
