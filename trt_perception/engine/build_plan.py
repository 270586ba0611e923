"""Builds the plan of an engine, in this process."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trt_perception.engine.build_errors import build_error
from trt_perception.engine.build_messages import BuildMessages
from trt_perception.engine.builder_config import make_config, pinned_layers
from trt_perception.engine.engine_options import EngineOptions
from trt_perception.engine.features import Features, features_of
from trt_perception.engine.optimization_profile import add_profile
from trt_perception.engine.option_checks import check_options, is_strongly_typed
from trt_perception.engine.parse_network import ParsedNetwork
from trt_perception.engine.pin_precisions import pin_precisions
from trt_perception.engine.progress_monitor import Progress, make_progress_monitor
from trt_perception.engine.sparsity_check import check_sparsity
from trt_perception.engine.tensorrt_module import identify
from trt_perception.engine.timing_cache import TimingCache
from trt_perception.precision.account import Account


@dataclass(frozen=True, kw_only=True)
class BuiltPlan:
    """A plan as TensorRT serialized it, and how that went.

    Args:
        plan: The bytes, as trtexec writes them to a file.
        seconds: How long TensorRT built.
        timing_cache: `none` where none was asked for, `made` where there was no file, `accepted`, or `refused` where
            TensorRT did not take the file's content; then the messages say so.
        messages: What TensorRT warned of, and what of the plan could not be applied.
    """

    plan: bytes = field(repr=False)
    seconds: float
    timing_cache: str
    messages: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ConfiguredBuild:
    """A parsed network with the config that it is built with.

    Args:
        parsed: The network.
        config: TensorRT's IBuilderConfig.
        features: What this TensorRT offers.
    """

    parsed: ParsedNetwork
    config: Any
    features: Features


def build_plan(
    trt: Any,
    graph: Path,
    account: Account,
    options: EngineOptions,
    *,
    progress: Progress | None = None,
    messages: BuildMessages | None = None,
) -> BuiltPlan:
    """Build a graph that `quantize` wrote. The types of the network's inputs and outputs are those of the graph.

    Args:
        trt: The TensorRT module.
        graph: The ONNX.
        account: What `quantize` gave with it.
        options: How to build.
        progress: Called now and then, where this TensorRT reports progress; what it raises ends the build.
        messages: Where TensorRT's messages go, for who wants them as they come.

    Raises:
        ModelError: TensorRT does not parse or build the graph, or it is written for another kind of TensorRT.
        ConfigError: The options ask for what this TensorRT or this graph does not offer.
        MissingError: A plugin library is not there.
        DeviceError: The device failed.
    """
    messages = messages or BuildMessages()
    build = configure_build(trt, graph, account, options, messages=messages)
    cache = TimingCache(options.timing_cache, messages)
    cache.attach(build.config)
    monitor = None
    if progress is not None and build.features.progress:
        monitor = build.config.progress_monitor = make_progress_monitor(trt, progress)
    start = time.monotonic()
    plan = build.parsed.builder.build_serialized_network(build.parsed.network, build.config)
    seconds = time.monotonic() - start
    if monitor is not None and monitor.failure is not None:
        raise monitor.failure
    if plan is None:
        raise build_error(messages, account, options)
    outcome = cache.finish(build.config)
    return BuiltPlan(plan=bytes(plan), seconds=seconds, timing_cache=outcome, messages=messages.texts())


def configure_build(
    trt: Any, graph: Path, account: Account, options: EngineOptions, *, messages: BuildMessages | None = None
) -> ConfiguredBuild:
    """Everything of a build that comes before the build itself: check, parse, pin, configure.

    Args and errors are those of `build_plan`.
    """
    messages = messages or BuildMessages()
    features, identity = features_of(trt), identify(trt)
    check_options(features, options, identity)
    strongly_typed = is_strongly_typed(features, account, identity)
    if options.sparsity:
        check_sparsity(graph).require()
    parsed = ParsedNetwork(trt, graph, strongly_typed=strongly_typed, plugins=options.plugins, messages=messages)
    config = make_config(trt, parsed.builder, features, account, options, strongly_typed=strongly_typed)
    add_profile(parsed.builder, config, parsed.inputs(), options)
    if not strongly_typed:
        absent = pin_precisions(trt, parsed, pinned_layers(account))
        if absent:
            messages.add("WARNING", f"not in the parsed network, so not pinned: {', '.join(absent)}")
    return ConfiguredBuild(parsed=parsed, config=config, features=features)
