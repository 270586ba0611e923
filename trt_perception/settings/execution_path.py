"""Where a frame is preprocessed and a model's outputs are decoded."""

from __future__ import annotations

from enum import Enum


class ExecutionPath(str, Enum):
    """What becomes of a frame with the tensorrt backend; the onnxruntime backend knows the host only."""

    GPU = "gpu"
    """All of it on the GPU. Where that cannot be had, configuring fails and says why."""
    GPU_OR_HOST = "gpu_or_host"
    """As `gpu`; where our kernels cannot be had, the host does their work, and one line says so."""
    HOST = "host"
    """The engine alone runs on the GPU."""
