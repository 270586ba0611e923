"""From a model and a precision plan to an engine that is verified, identified, and written as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trt_perception.engine.engine_request import EngineRequest
from trt_perception.engine.made_engine import MadeEngine

if TYPE_CHECKING:
    from trt_perception.engine.build_plan import Progress


def make_engine(request: EngineRequest, *, progress: Progress | None = None) -> MadeEngine:
    """See that the engine is there: build it where none is, or where one of another key is.

    Args:
        request: What is asked for.
        progress: Called with phase, step and steps.

    Raises:
        InputError: Model, plan, calibration or options cannot be used together.
        GateError: TensorRT did not honour the plan; names the layers. The engine is not written.
        MissingError: TensorRT or the onnx package is not installed.
        DeviceError: There is no GPU, or the builder failed on it.
    """
    raise NotImplementedError
