"""Whether a Python package is here, and which version."""

from __future__ import annotations

import importlib
import importlib.util

from trt_perception.doctor.finding import Finding, Level


def check_package(module: str, *, remedy: str, needed_for: tuple[str, ...] = (), subject: str | None = None) -> Finding:
    """Import a package and read its version; a package that is installed but broken counts as missing."""
    subject = subject or module
    if importlib.util.find_spec(module.partition(".")[0]) is None:
        return Finding(
            subject=subject, level=Level.MISSING, detail="not installed", remedy=remedy, needed_for=needed_for
        )
    try:
        version = getattr(importlib.import_module(module), "__version__", "installed")
    # A broken binary package raises whatever its loader raises, and the report must go on.
    except Exception as error:
        return Finding(
            subject=subject,
            level=Level.MISSING,
            detail=f"installed, but does not import: {error}",
            remedy=remedy,
            needed_for=needed_for,
        )
    return Finding(subject=subject, level=Level.OK, detail=str(version))
