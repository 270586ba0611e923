"""A dataclass field that knows its description and range, so that schema, errors and docs come from one place."""

from __future__ import annotations

from dataclasses import MISSING, field
from typing import Any


def option(
    default: Any = MISSING,
    *,
    description: str,
    minimum: float | None = None,
    maximum: float | None = None,
    default_factory: Any = MISSING,
) -> Any:
    """A dataclass field with a sentence and, for numbers, a closed range.

    Args:
        default: Value where none is given; without it the option must be given.
        description: One sentence for the schema, the parameter descriptor and the docs.
        minimum: Smallest allowed number.
        maximum: Largest allowed number.
        default_factory: Makes the default of a mutable type.
    """
    metadata = {"description": description, "minimum": minimum, "maximum": maximum}
    if default_factory is not MISSING:
        return field(default_factory=default_factory, metadata=metadata)
    if default is MISSING:
        return field(metadata=metadata)
    return field(default=default, metadata=metadata)
