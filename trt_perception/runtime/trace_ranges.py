"""Named ranges for NVIDIA's profilers."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

DOMAIN = "trt_perception"


class TraceRanges:
    """Makes NVTX ranges, which Nsight Systems shows on the thread's line; nothing where the package nvtx is missing.

    Args:
        prefix: What stands before every name, e.g. the camera.
        is_on: Whether to make any.
    """

    def __init__(self, prefix: str, *, is_on: bool) -> None:
        self._prefix = prefix
        self._nvtx = _load() if is_on else None

    def __call__(self, name: str) -> AbstractContextManager[object]:
        """A range that lasts as long as the context."""
        if self._nvtx is None:
            return _NOTHING
        found: AbstractContextManager[object] = self._nvtx.annotate(f"{self._prefix}: {name}", domain=DOMAIN)
        return found


_NOTHING = nullcontext()


def _load() -> Any:
    try:
        import nvtx
    except ImportError:  # the stamps say as much without it
        return None
    return nvtx
