"""Whether a TensorRT offers what the options ask for."""

from __future__ import annotations

from trt_perception.engine.engine_options import EngineOptions
from trt_perception.engine.features import LIBRARY_TACTICS, Features
from trt_perception.engine.tensorrt_module import TensorRtIdentity
from trt_perception.errors import ConfigError, ModelError
from trt_perception.precision.account import Account
from trt_perception.precision.precision_plan import Precision


def check_options(features: Features, options: EngineOptions, identity: TensorRtIdentity) -> None:
    """Refuse what this TensorRT does not offer.

    Raises:
        ConfigError: Names the option.
    """
    asked = {
        "version_compatible": (options.version_compatible, features.version_compatible),
        "hardware_compatible": (options.hardware_compatible, features.hardware_compatible),
        "strip_plan": (options.strip_plan, features.strip_plan),
        "sparsity": (options.sparsity, features.sparsity),
        "dla_core": (options.dla_core is not None, features.dla),
        "max_aux_streams": (options.max_aux_streams > 0, features.auxiliary_streams),
        "timing_cache": (bool(options.timing_cache), features.timing_cache),
        "ahead_of_time": (bool(options.ahead_of_time), bool(features.ahead_of_time)),
        "tactic_sources": (options.tactic_sources is not None, bool(features.tactic_sources)),
    }
    for name, (wanted, offered) in asked.items():
        if wanted and not offered:
            raise ConfigError(f"engine option {name}", f"{identity} does not offer it", "leave it out")
    for source in options.tactic_sources or ():
        if source not in features.tactic_sources:
            raise _not_one_of("tactic_sources", source, features.tactic_sources, identity)
    if options.ahead_of_time and options.ahead_of_time not in features.ahead_of_time:
        raise _not_one_of("ahead_of_time", options.ahead_of_time, features.ahead_of_time, identity)


def tactic_sources(features: Features, options: EngineOptions) -> tuple[str, ...]:
    """The libraries that kernels may come from: those asked for, or all but those that need libraries of their own."""
    if options.tactic_sources is not None:
        return options.tactic_sources
    return tuple(name for name in features.tactic_sources if name not in LIBRARY_TACTICS)


def is_strongly_typed(features: Features, account: Account, identity: TensorRtIdentity) -> bool:
    """Which kind of network a graph becomes.

    A graph that was quantized before it came here goes as it fits: strongly typed where it holds FP16 or there is
    nothing else; otherwise its floating part is FP32 in the file only, and precision flags make it fast.

    Raises:
        ModelError: The graph was written for another kind of TensorRT.
    """
    if account.emitter == "carried":
        holds_fp16 = Precision.FP16 in account.tensor_types.values()
        return not features.precision_flags or (features.strongly_typed and holds_fp16)
    offered = features.strongly_typed if account.emitter == "strong" else features.precision_flags
    if not offered:
        kind = "strongly typed networks" if account.emitter == "strong" else "precision flags"
        raise ModelError(
            account.model,
            f"the graph was written for a TensorRT with {kind}, got {identity}",
            f"write it with `trt-perception quantize --emitter {features.emitter}`",
        )
    return account.emitter == "strong"


def _not_one_of(option: str, got: str, members: tuple[str, ...], identity: TensorRtIdentity) -> ConfigError:
    return ConfigError(f"engine option {option}", f"expected of {identity} one of {', '.join(members)}, got {got!r}")
