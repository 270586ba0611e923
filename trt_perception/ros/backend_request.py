"""What a node asks of the maker of its backends."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from trt_perception.model.model_spec import ModelSpec
from trt_perception.runtime.backend import BackendKind


@dataclass(frozen=True, kw_only=True)
class BackendRequest:
    """One model that is to be executed.

    Args:
        kind: The runtime that the config names.
        spec: The model.
        threads: CPU threads of one inference; 0: half of the cores.
        engine: The model's engine file, for tensorrt.
        device: Index of the GPU, for tensorrt.
        contexts: Inferences at once, for tensorrt.
        strict: Whether an engine that other users may write is refused.
        public_key: Whose signature the engine must have. None: none.
    """

    kind: BackendKind
    spec: ModelSpec
    threads: int
    engine: Path
    device: int = 0
    contexts: int = 1
    strict: bool = False
    public_key: Path | None = None
