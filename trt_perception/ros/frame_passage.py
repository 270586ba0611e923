"""When one image passed the node's first stages."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class FramePassage:
    """Stamps of the steady clock, ns; 0 = not passed.

    Args:
        sequence: Number of the image among those received from its camera since the node was configured, from 1.
        received_ns: Taken from the middleware.
        started_ns: Taken by the worker.
    """

    sequence: int = 0
    received_ns: int = 0
    started_ns: int = 0


UNKNOWN = FramePassage()
"""That of an image of which nothing is known."""
