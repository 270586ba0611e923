"""What makes, runs and measures the engines: TensorRT, or a stand-in to rehearse without a GPU."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from bench.engines.networks import BATCHES, OPTIMAL_BATCH, Network
from trt_perception.engine.engine_options import EngineOptions, ShapeProfile
from trt_perception.precision.calibration_table import read_table
from trt_perception.precision.quantize import Emitter, quantize
from trt_perception.runtime.backend import Backend
from trt_perception.validate.agreement import Agreement


@dataclass(frozen=True, kw_only=True)
class EngineFacts:
    """One engine that was made, or why it was not.

    Args:
        network: Its network.
        precision: Short name of its precision plan.
        plan_mb: Size of the plan, 10^6 bytes.
        device_mib: Scratch memory of one execution context, MiB.
        build_s: How long TensorRT built.
        level: Optimisation level of the builder.
        timing_cache: What became of the timing cache.
        batch: Smallest, optimal and largest batch.
        honoured: Nodes that compute as planned.
        undetermined: Nodes of which the engine does not tell.
        messages: What TensorRT said.
        failure: Why there is no engine; empty where there is one.
    """

    network: str
    precision: str
    plan_mb: float = 0.0
    device_mib: float = 0.0
    build_s: float = 0.0
    level: int = 0
    timing_cache: str = ""
    batch: tuple[int, ...] = ()
    honoured: int = 0
    undetermined: int = 0
    messages: tuple[str, ...] = ()
    failure: str = ""

    def to_plain(self) -> dict[str, Any]:
        """As JSON knows it."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Speed:
    """One way of running an engine.

    Args:
        precision: Short name of its precision plan.
        streams: Streams at once.
        batch: Frames of one inference.
        p50_ms: Median time of one inference, ms.
        p99_ms: 99th percentile.
        frames_per_s: Of all streams together.
        memory_mib: Device memory of weights and contexts.
        graph: `CUDA graph`, or why there is none.
    """

    precision: str
    streams: int
    batch: int
    p50_ms: float
    p99_ms: float
    frames_per_s: float
    memory_mib: float
    graph: str


@dataclass(frozen=True, kw_only=True)
class Layers:
    """Where an engine computes in what, and how long.

    Args:
        regions: Layers by region and precision.
        copies: Reformats, quantizers and branch copies, each with its reason.
        unexplained: Those inside an INT8 region without one.
        undetermined: Nodes of which the engine does not tell.
        hot: Time by region and precision; empty where it was not profiled.
        slowest: The most expensive layers.
    """

    regions: list[dict[str, Any]]
    copies: dict[str, str]
    unexplained: dict[str, str]
    undetermined: dict[str, str]
    hot: list[dict[str, Any]] = field(default_factory=list)
    slowest: list[dict[str, Any]] = field(default_factory=list)


class EngineMaker(Protocol):
    """Makes engines in the folder of work, and runs them."""

    def identity(self) -> dict[str, str]:
        """What figures depend on: gpu, driver, tensorrt."""

    def make(self, network: Network, precision: str, level: int) -> EngineFacts:
        """See that the engine is there.

        Raises:
            PerceptionError: It cannot be made.
        """

    def backend(self, network: Network, precision: str) -> Backend:
        """The engine at batch 1, not open yet."""

    def bench(
        self,
        network: Network,
        precisions: tuple[str, ...],
        *,
        streams: tuple[int, ...],
        batches: tuple[int, ...],
        seconds: float,
    ) -> list[Speed]:
        """Every engine at every number of streams and batch size, inputs and outputs on the device."""

    def keep_accuracy(self, network: Network, precision: str, agreement: Agreement) -> None:
        """Write it into the engine's manifest and card."""

    def layers(self, network: Network, precision: str, *, profile_batch: int | None) -> Layers:
        """What its inspector says, and where `profile_batch` is given the time of its layers at that batch."""


def engine_options(network: Network, precision: str, level: int) -> EngineOptions:
    """How every engine here is built."""
    source = network.spec.inputs[0]
    profiles: tuple[ShapeProfile, ...] = ()
    if network.is_dynamic:
        low, best, high = ((batch, *source.shape[1:]) for batch in (BATCHES[0], OPTIMAL_BATCH, BATCHES[-1]))
        profiles = (ShapeProfile(input=source.name, min=low, opt=best, max=high),)
    cache = network.timing_cache(precision)
    cache.parent.mkdir(parents=True, exist_ok=True)
    return EngineOptions(workspace_mib=8192, optimization_level=level, profiles=profiles, timing_cache=str(cache))


def strong_graph(network: Network, precision: str) -> Path:
    """Write the graph for strongly typed TensorRT, which ONNX Runtime executes, too; its path."""
    out = network.work / "graphs" / f"{network.name}_{precision}.strong.onnx"
    if not out.exists():
        out.parent.mkdir(parents=True, exist_ok=True)
        table = read_table(network.table)
        quantize(network.onnx, network.plan(precision), table, emitter=Emitter.STRONG, out=out)
    return out


def make_maker(kind: str) -> EngineMaker:
    """`tensorrt`, or `stand_in` for rehearsals."""
    if kind == "stand_in":
        from bench.engines.stand_in_maker import StandInMaker

        return StandInMaker()
    from bench.engines.tensorrt_maker import TensorRtMaker

    return TensorRtMaker()
