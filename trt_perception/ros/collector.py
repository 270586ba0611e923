"""Keeps Python's garbage collector from stopping all cameras at once."""

from __future__ import annotations

import gc


def spare_long_lived() -> None:
    """Take all that is there now out of the collector's sight, once whatever is made at a start has been made.

    A full collection looks at every object of the process, modules and models included, and holds the interpreter's
    lock meanwhile: tens of milliseconds, which is a period of a camera. Of what frames leave behind it takes none.
    """
    gc.collect()  # what is garbage already would stay for good
    gc.freeze()


def spare_nothing() -> None:
    """Let the collector look at everything again: what was long-lived may be garbage soon."""
    gc.unfreeze()
