"""Builds the plan of an engine in a child process: what stops or crashes the build leaves this process whole."""

from __future__ import annotations

from pathlib import Path

from trt_perception.engine.build_plan import BuiltPlan, Progress
from trt_perception.engine.engine_options import EngineOptions
from trt_perception.precision.account import Account


def build_in_child(
    module: str, graph: Path, account: Account, options: EngineOptions, *, progress: Progress | None = None
) -> BuiltPlan:
    """Build as `build_plan` does, in a process of its own.

    Ctrl-C here ends the build there; the end of this process, however it comes, does so too. Nothing is written but
    the timing cache.

    Args:
        module: Name of the TensorRT module, for `load_tensorrt`.
        graph: The ONNX.
        account: What `quantize` gave with it.
        options: How to build.
        progress: Called now and then, where this TensorRT reports progress.

    Raises:
        ModelError: TensorRT does not parse or build the graph, or it is written for another kind of TensorRT.
        ConfigError: The options ask for what this TensorRT or this graph does not offer.
        MissingError: The module or a plugin library is not there.
        DeviceError: The device failed, or the build's process died; names the signal and TensorRT's last words.
    """
    raise NotImplementedError
