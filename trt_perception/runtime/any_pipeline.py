"""The pipelines of commands, which run one model at a time, on the host or on the GPU."""

from __future__ import annotations

from trt_perception.runtime.engine_pipeline import EnginePipeline
from trt_perception.runtime.pipeline import Pipeline

AnyPipeline = Pipeline | EnginePipeline
"""What both have: `spec`, `name`, `engine`, `judging`, `open`, `close` and `process`."""
