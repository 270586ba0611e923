"""A progress bar with the time left: live on a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
from typing import Any

from tqdm import tqdm

LINE_EVERY_S = 5.0


def progress_bar(title: str, *, total: int, unit: str) -> tqdm[Any]:
    """A bar on stderr; use it as a context and call `update` for each step.

    Args:
        title: What is being done.
        total: Steps in all.
        unit: What a step is, in the singular.
    """
    is_terminal = sys.stderr.isatty()
    return tqdm(
        desc=title, total=total, unit=f" {unit}", mininterval=0.1 if is_terminal else LINE_EVERY_S, dynamic_ncols=True
    )
