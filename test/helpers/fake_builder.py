"""In place of TensorRT where only the decision to build is looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trt_perception.engine.build_plan import BuiltPlan
from trt_perception.engine.engine_options import EngineOptions
from trt_perception.precision.account import Account


class FakeBuilder:
    """In place of `build_in_child`: a plan at once, another for every call."""

    def __init__(self) -> None:
        self.graphs: list[bytes] = []
        self.options: list[EngineOptions] = []

    def __call__(
        self, name: str, graph: Path, account: Account, options: EngineOptions, *, progress: Any = None
    ) -> BuiltPlan:
        self.graphs.append(graph.read_bytes())
        self.options.append(options)
        return BuiltPlan(plan=f"plan {len(self.graphs)}".encode(), seconds=0.5, timing_cache="none")
