"""Settings of a build as TensorRT takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trt_perception.engine.engine_options import EngineOptions
from trt_perception.engine.features import Features
from trt_perception.engine.option_checks import tactic_sources
from trt_perception.errors import ConfigError
from trt_perception.precision.account import Account
from trt_perception.precision.precision_plan import Precision, Region


def make_config(
    trt: Any, builder: Any, features: Features, account: Account, options: EngineOptions, *, strongly_typed: bool
) -> Any:
    """An IBuilderConfig with everything but profiles, timing cache and progress monitor.

    A DLA core is asked for with the GPU as its fallback. That was checked against TensorRT's API only: no machine with
    a DLA has run it.

    Args:
        trt: The TensorRT module.
        builder: Its builder.
        features: What the module offers; the options were checked against it.
        account: Of the graph.
        options: How to build.
        strongly_typed: Whether the network's types are those of the graph.

    Raises:
        ConfigError: A DLA core that is not there, or tactic sources that TensorRT refuses.
    """
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, options.workspace_mib << 20)
    config.builder_optimization_level = options.optimization_level
    # Without it the inspector knows names only, and no layer can be compared with the precision plan.
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    if features.auxiliary_streams:
        config.max_aux_streams = options.max_aux_streams
    _share_profiles(trt, config)
    _set_flags(trt, config, account, options, strongly_typed=strongly_typed)
    if options.hardware_compatible:
        config.hardware_compatibility_level = trt.HardwareCompatibilityLevel.AMPERE_PLUS
    _set_tactic_sources(trt, config, tactic_sources(features, options), offered=features.tactic_sources)
    if options.dla_core is not None:
        _use_dla(trt, builder, config, options.dla_core)
    if options.ahead_of_time:
        config.num_compute_capabilities = 1
        config.set_compute_capability(getattr(trt.ComputeCapability, options.ahead_of_time), 0)
    return config


def _share_profiles(trt: Any, config: Any) -> None:
    """TensorRT 8.6 lets but one context use a profile unless asked; later versions let all of them."""
    feature = getattr(getattr(trt, "PreviewFeature", None), "PROFILE_SHARING_0806", None)
    if feature is not None and not config.get_preview_feature(feature):
        config.set_preview_feature(feature, True)


def _set_flags(trt: Any, config: Any, account: Account, options: EngineOptions, *, strongly_typed: bool) -> None:
    flags = {
        "TF32": options.tf32,
        "VERSION_COMPATIBLE": options.version_compatible,
        # A runtime inside the plan would be host code, which is never let in when an engine is loaded.
        "EXCLUDE_LEAN_RUNTIME": options.version_compatible,
        "STRIP_PLAN": options.strip_plan,
        "SPARSE_WEIGHTS": options.sparsity,
        "GPU_FALLBACK": options.dla_core is not None,
    }
    if not strongly_typed:
        flags["FP16"] = _computes_in_fp16(account)
        flags["INT8"] = bool(account.activations or account.weights)
        flags["OBEY_PRECISION_CONSTRAINTS"] = bool(pinned_layers(account))
    for name, wanted in flags.items():
        if wanted:
            config.set_flag(getattr(trt.BuilderFlag, name))
        elif name == "TF32":  # the one flag that is set unless cleared
            config.clear_flag(trt.BuilderFlag.TF32)


def pinned_layers(account: Account) -> Mapping[str, Precision]:
    """The layers whose precision has to be fixed; none where the builder has FP32 alone to choose from."""
    return account.layer_precisions if _computes_in_fp16(account) or account.activations else {}


def _computes_in_fp16(account: Account) -> bool:
    if account.emitter == "carried":  # the floats of such a file are FP32, whatever the plan wants
        return any(account.plan.precision(region) is not Precision.FP32 for region in Region)
    return any(node.precision is not Precision.FP32 for node in account.nodes)


def _set_tactic_sources(trt: Any, config: Any, names: tuple[str, ...], *, offered: tuple[str, ...]) -> None:
    if offered and not config.set_tactic_sources(sum(1 << int(getattr(trt.TacticSource, name)) for name in names)):
        raise ConfigError(
            "engine option tactic_sources", f"TensorRT refuses {', '.join(names) or 'none'}", "name others, or null"
        )


def _use_dla(trt: Any, builder: Any, config: Any, core: int) -> None:
    if core >= builder.num_DLA_cores:
        raise ConfigError(
            "engine option dla_core", f"expected less than {builder.num_DLA_cores}, the DLA cores here, got {core}",
            "leave it out where there are none",
        )  # fmt: skip
    config.default_device_type = trt.DeviceType.DLA
    config.DLA_core = core
