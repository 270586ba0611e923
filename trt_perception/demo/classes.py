"""The labels of the demo world's ground truth."""

from __future__ import annotations

CLASS_NAMES: tuple[str, ...] = ("car", "truck", "bus", "pedestrian", "cyclist", "traffic_cone", "animal")
"""Object classes; the class id is the index."""

MASK_NAMES: tuple[str, ...] = ("background", "drivable", "lane")
"""Mask classes; the pixel value is the index."""
