"""How a synthetic drive is put into a bag."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass, field
from enum import Enum

from trt_perception.bag.bag_writer_options import BagWriterOptions, Compression
from trt_perception.errors import ConfigError


class ImageFormat(str, Enum):
    """Form of the images in a bag."""

    RAW = "raw"
    JPEG = "jpeg"
    PNG = "png"


@dataclass(frozen=True, kw_only=True)
class DriveBagOptions:
    """Everything beside the drive that the bytes of its bag depend on.

    Args:
        images: An ImageFormat or its word. Default: jpeg.
        jpeg_quality: 1 to 100. Default: 92.
        thermal: Whether the thermal pictures (mono8) are written too. Default: False.
        clock_hz: Messages a second on /clock. Default: 0, none; players make their own.
        latency_ms: Time from an image's stamp to its arrival; half to one and a half times that. Default: 20 ms.
        stamp_jitter_ms: A stamp lies at most this much before or behind the drive's instant, below 0.4 of the time
            between two instants. Default: 0.
        drop_fraction: Share of the images that are missing, truth and camera_info with them, 0 to 1. Default: 0.
        seed: Jitter, latency and dropped frames; 0 or more. Default: 0.
        writer: How the bag is written. Default: mcap with compressed chunks.

    Raises:
        ConfigError: A value of the wrong type or out of range.
    """

    images: ImageFormat | str = ImageFormat.JPEG
    jpeg_quality: int = 92
    thermal: bool = False
    clock_hz: float = 0.0
    latency_ms: float = 20.0
    stamp_jitter_ms: float = 0.0
    drop_fraction: float = 0.0
    seed: int = 0
    writer: BagWriterOptions = field(default_factory=lambda: BagWriterOptions(compression=Compression.CHUNK))

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "images", ImageFormat(self.images))
        except ValueError:
            words = ", ".join(repr(member.value) for member in ImageFormat)
            raise ConfigError("DriveBagOptions.images", f"expected one of {words}, got {self.images!r}") from None
        self._whole("jpeg_quality", 1, 100)
        self._whole("seed", 0, 2**63 - 1)
        self._real("clock_hz", 0.0, 1000.0)
        self._real("latency_ms", 0.0, 10_000.0)
        self._real("stamp_jitter_ms", 0.0, 10_000.0)
        self._real("drop_fraction", 0.0, 1.0)

    def check_rate(self, rate_hz: float) -> None:
        """Refuses a jitter that could swap the stamps of a camera.

        Raises:
            ConfigError: `stamp_jitter_ms` is 0.4 of the time between two instants or more.
        """
        limit_ms = 0.4 * 1000.0 / rate_hz
        if self.stamp_jitter_ms >= limit_ms and self.stamp_jitter_ms > 0.0:
            problem = f"expected less than {limit_ms:g} ms for a drive at {rate_hz:g} Hz, got {self.stamp_jitter_ms:g}"
            raise ConfigError("DriveBagOptions.stamp_jitter_ms", problem)

    def _whole(self, name: str, low: int, high: int) -> None:
        value = getattr(self, name)
        try:
            number = None if isinstance(value, bool) else operator.index(value)
        except TypeError:
            number = None
        if number is None or not low <= number <= high:
            raise ConfigError(f"DriveBagOptions.{name}", f"expected a whole number from {low} to {high}, got {value!r}")

    def _real(self, name: str, low: float, high: float) -> None:
        value = getattr(self, name)
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        if not is_number or not low <= value <= high:
            raise ConfigError(f"DriveBagOptions.{name}", f"expected a number from {low:g} to {high:g}, got {value!r}")
