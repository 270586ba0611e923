"""What the names of outputs say of maps that shapes cannot tell apart."""

from __future__ import annotations

import re

_AUXILIARY = re.compile(r"aux\d*|auxiliary|extra|boundary|edges?|out(16|32)")
"""BiSeNet (aux2, out16, out32), torchvision (aux), PIDNet and DDRNet (x_extra_p, x_extra_d, boundary)."""
_DRIVABLE = re.compile(r"da|drivable|driveable|drive")
"""TwinLiteNet (da), YOLOP (drive_area_seg)."""
_LANE = re.compile(r"ll|lane|lanes|lanelines?")
"""TwinLiteNet (ll), YOLOP (lane_line_seg)."""


def is_auxiliary(name: str) -> bool:
    """Whether a map is one that only training needs."""
    return any(_AUXILIARY.fullmatch(word) for word in _words(name))


def road_part(name: str) -> str:
    """`drivable area` or `lane lines`; empty where a name says neither."""
    words = _words(name)
    if any(_LANE.fullmatch(word) for word in words):
        return "lane lines"
    return "drivable area" if any(_DRIVABLE.fullmatch(word) for word in words) else ""


def _words(name: str) -> list[str]:
    return re.findall(r"[a-z]+\d*", name.lower())
