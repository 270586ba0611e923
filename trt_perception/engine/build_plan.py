"""Builds the plan of an engine, in this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trt_perception.engine.engine_options import EngineOptions
from trt_perception.precision.account import Account

Progress = Callable[[str, int, int], None]
"""Called with the phase of the build, the steps done in it, and all its steps."""


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


def build_plan(
    trt: Any, graph: Path, account: Account, options: EngineOptions, *, progress: Progress | None = None
) -> BuiltPlan:
    """Build a graph that `quantize` wrote.

    Args:
        trt: The TensorRT module.
        graph: The ONNX.
        account: What `quantize` gave with it.
        options: How to build.
        progress: Called now and then, where this TensorRT reports progress.

    Raises:
        ModelError: TensorRT does not parse or build the graph, or it is written for another kind of TensorRT.
        ConfigError: The options ask for what this TensorRT or this graph does not offer.
        MissingError: A plugin library is not there.
        DeviceError: The device failed.
    """
    raise NotImplementedError
