"""Why a model cannot be used as it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One reason, kept rather than raised, so that `inspect` can show all of them.

    Args:
        text: What is wrong, with expected and got.
        remedy: What to do next.
    """

    text: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.text}; {self.remedy}"
