"""Names of cameras, made of names of files and topics."""

from __future__ import annotations

import re


def camera_name(text: str) -> str:
    """A name that can be part of a topic: "front left (2)" becomes front_left_2, CAM_FRONT stays."""
    name = re.sub(r"[^0-9A-Za-z]+", "_", text).strip("_") or "camera"
    return f"camera_{name}" if name[0].isdigit() else name
