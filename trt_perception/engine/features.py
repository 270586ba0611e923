"""What a TensorRT module offers. Versions differ here and nowhere else; features are looked for, not numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

LIBRARY_TACTICS = ("CUBLAS", "CUBLAS_LT", "CUDNN")
"""Tactic sources that need libraries of their own; TensorRT 11 has none of them."""


@dataclass(frozen=True, kw_only=True)
class Features:
    """What differs between TensorRT 8.6, 10, 11 and TensorRT-RTX.

    Args:
        strongly_typed: Networks whose types are those of the graph.
        precision_flags: FP16 and INT8 flags, and a precision for each layer.
        explicit_batch: Networks of explicit batch must be asked for.
        progress: A build reports its progress, and can be stopped.
        timing_cache: Kernel times can be kept from one build to the next.
        tactic_sources: Names of the libraries that kernels may come from.
        version_compatible: Plans that later versions load.
        hardware_compatible: Plans for every GPU from Ampere on.
        strip_plan: Plans without weights.
        sparsity: Kernels for 2:4 sparse weights.
        dla: DLA cores can be chosen.
        auxiliary_streams: Their number can be limited.
        ahead_of_time: Names of the compute capabilities that can be built for without their GPU.
    """

    strongly_typed: bool
    precision_flags: bool
    explicit_batch: bool
    progress: bool
    timing_cache: bool
    tactic_sources: tuple[str, ...]
    version_compatible: bool
    hardware_compatible: bool
    strip_plan: bool
    sparsity: bool
    dla: bool
    auxiliary_streams: bool
    ahead_of_time: tuple[str, ...]

    @property
    def emitter(self) -> str:
        """Which emitter's graph to build from: strong where there are strongly typed networks, flags elsewhere."""
        return "strong" if self.strongly_typed else "flags"


def features_of(trt: Any) -> Features:
    """Look at a TensorRT module; needs no GPU."""
    flags, networks, config = trt.BuilderFlag, trt.NetworkDefinitionCreationFlag, trt.IBuilderConfig
    precision_flags = hasattr(flags, "FP16") and hasattr(flags, "INT8") and hasattr(trt.ILayer, "precision")
    capabilities = getattr(trt, "ComputeCapability", None) if hasattr(config, "set_compute_capability") else None
    return Features(
        # Without precision flags there is no other kind of network, with or without a flag for it.
        strongly_typed=hasattr(networks, "STRONGLY_TYPED") or not precision_flags,
        precision_flags=precision_flags,
        explicit_batch=hasattr(networks, "EXPLICIT_BATCH"),
        progress=hasattr(trt, "IProgressMonitor") and hasattr(config, "progress_monitor"),
        timing_cache=hasattr(config, "create_timing_cache"),
        tactic_sources=_members(trt.TacticSource) if hasattr(config, "set_tactic_sources") else (),
        version_compatible=hasattr(flags, "VERSION_COMPATIBLE"),
        hardware_compatible=hasattr(trt, "HardwareCompatibilityLevel")
        and hasattr(trt.HardwareCompatibilityLevel, "AMPERE_PLUS"),
        strip_plan=hasattr(flags, "STRIP_PLAN"),
        sparsity=hasattr(flags, "SPARSE_WEIGHTS"),
        dla=hasattr(config, "DLA_core") and hasattr(flags, "GPU_FALLBACK"),
        auxiliary_streams=hasattr(config, "max_aux_streams"),
        ahead_of_time=() if capabilities is None else tuple(n for n in _members(capabilities) if n.startswith("SM")),
    )


def _members(enum: Any) -> tuple[str, ...]:
    return tuple(enum.__members__)
