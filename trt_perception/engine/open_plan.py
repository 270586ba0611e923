"""A plan becomes an engine of TensorRT, for as long as it is looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from trt_perception.engine.build_messages import BuildMessages, make_logger
from trt_perception.engine.error_recorder import make_error_recorder
from trt_perception.engine.plugin_libraries import load_plugins
from trt_perception.errors import EngineError


@contextmanager
def open_plan(trt: Any, plan: bytes, *, name: object, plugins: Mapping[str, str] | None = None) -> Iterator[Any]:
    """Deserialise a plan that is trusted; a plan from a file goes through `load_engine_file` first.

    Args:
        trt: The TensorRT module.
        plan: The bytes.
        name: File of the plan, for errors.
        plugins: The sha256 of each plugin library that it needs by its path; an empty text where any will do.

    Yields:
        An ICudaEngine; valid inside the `with` block.

    Raises:
        EngineError: TensorRT does not take the plan; says why. Or a plugin library has another sha256.
    """
    messages = BuildMessages()
    logger = make_logger(trt, messages)
    load_plugins(trt, plugins or {}, logger)
    recorder = make_error_recorder(trt)
    try:
        runtime = trt.Runtime(logger)
    except (TypeError, RuntimeError) as error:  # pybind11, where TensorRT gives no object
        raise _refusal(name, (*messages.errors(), str(error))) from error
    runtime.error_recorder = recorder
    engine = runtime.deserialize_cuda_engine(plan)
    if engine is None:
        raise _refusal(name, (*recorder.texts(), *messages.errors()))
    try:
        yield engine
    finally:
        del engine, runtime


def _refusal(name: object, texts: Sequence[str]) -> EngineError:
    said = "; ".join(dict.fromkeys(texts)) or "no reason given"
    return EngineError(name, f"TensorRT cannot load the plan: {said}", "build it again on this machine")
