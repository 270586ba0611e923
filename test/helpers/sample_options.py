"""An options class with one field of each kind that options have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from trt_perception.options.option import option


class Colour(str, Enum):
    """A closed set."""

    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, kw_only=True)
class Wheel:
    """A nested options class."""

    radius_mm: float = option(description="Radius.", minimum=1.0, maximum=1000.0)
    bolts: int = option(5, description="Bolts.", minimum=3)


@dataclass(frozen=True, kw_only=True)
class Car:
    """One field of each kind that options have."""

    name: str = option(description="Name.")
    colour: Colour = option(Colour.RED, description="Colour.")
    is_new: bool = option(False, description="New.")
    seats: int | None = option(None, description="Seats.", minimum=1, maximum=9)
    wheels: tuple[Wheel, ...] = option((), description="Wheels.")
    size: tuple[int, int] = option((1, 1), description="Length and width.", minimum=0)
    limits: Mapping[str, float] = option(default_factory=dict, description="Limits.", minimum=0.0, maximum=1.0)
    number: int | str = option(0, description="A number or a word.", maximum=10)
