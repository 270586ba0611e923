"""What `make_engine` gives back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from trt_perception.engine.manifest import Manifest


@dataclass(frozen=True, kw_only=True)
class MadeEngine:
    """One engine that is there now.

    Args:
        path: The engine file.
        manifest: What it is.
        built: Whether it was built just now; False where it was current already.
        messages: What TensorRT said while building, and what the builder left out.
    """

    path: Path
    manifest: Manifest
    built: bool
    messages: tuple[str, ...] = ()
