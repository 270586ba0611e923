"""The measured rule for the number of receiver processes. docs/ingest.md has the measurement."""

from __future__ import annotations

import math
from collections.abc import Sequence

from trt_perception.settings.camera_settings import CameraSettings, Transport
from trt_perception.settings.ingest_settings import IngestSettings

IN_PROCESS_MB_PER_S = 750.0
"""What the node receives by itself, 10^6 raw bytes a second: four 1080p cameras at 30 Hz. Their reception holds the
interpreter for about a third of the time; beyond that the cameras' workers wait for it."""
RECEIVER_MB_PER_S = 750.0
"""What one receiver takes: it is busy for about half of the time then, and has room for bursts."""
LEAST_CORES = 4
"""With fewer cores a receiver takes from the node what it saves it: the copy into the ring is an addition."""


def receiver_count(settings: IngestSettings, cameras: Sequence[CameraSettings], *, cores: int) -> int:
    """How many receiver processes to start.

    Args:
        settings: The config's.
        cameras: The cameras that are received.
        cores: CPU cores that the node may use.
    """
    if isinstance(settings.receivers, int):
        return min(settings.receivers, len(cameras))
    raw = sum(camera.transport is Transport.RAW for camera in cameras)
    return receivers_for(raw * settings.camera_mb_per_s, cameras=raw, cores=cores)


def receivers_for(mb_per_s: float, *, cameras: int, cores: int) -> int:
    """How many receiver processes take so many images best; 0: the node itself.

    Args:
        mb_per_s: Bytes of all images, 10^6 a second.
        cameras: From how many cameras they come.
        cores: CPU cores that the node may use.
    """
    if cores < LEAST_CORES or mb_per_s <= IN_PROCESS_MB_PER_S:
        return 0
    return min(math.ceil(mb_per_s / RECEIVER_MB_PER_S), cameras, cores // 2)
