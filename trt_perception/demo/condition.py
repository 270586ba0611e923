"""The light and weather that a drive can have."""

from __future__ import annotations

from enum import Enum


class Condition(str, Enum):
    """One kind of light and weather. The value is the word used in options, bags and reports."""

    DAY = "day"
    DUSK = "dusk"
    NIGHT = "night"
    RAIN = "rain"
    FOG = "fog"
    GLARE = "glare"
