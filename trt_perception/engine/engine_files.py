"""The files of one engine: where they lie, and how they are written so that a reader never loads half of a pair."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from trt_perception.model.paths import absolute


@dataclass(frozen=True)
class EngineFiles:
    """Where the files of one engine lie: beside the plan, named after it.

    Args:
        engine: The plan, e.g. `front.engine`, as TensorRT and trtexec know it; made absolute.
    """

    engine: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "engine", absolute(self.engine))

    @property
    def manifest(self) -> Path:
        """What the plan is: `front.engine.json`."""
        return self._beside(".json")

    @property
    def card(self) -> Path:
        """The same for people: `front.engine.md`."""
        return self._beside(".md")

    @property
    def signature(self) -> Path:
        """The signature of plan and manifest, where they were signed: `front.engine.sig`."""
        return self._beside(".sig")

    @property
    def lock(self) -> Path:
        """What a builder holds while it works; stays there: `front.engine.lock`."""
        return self._beside(".lock")

    def _beside(self, suffix: str) -> Path:
        return self.engine.with_name(self.engine.name + suffix)
