"""What a synthetic drive is made from."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass

from trt_perception.demo.condition import Condition
from trt_perception.errors import ConfigError

SCHEDULES = ("cycle", "mixed")


@dataclass(frozen=True, kw_only=True)
class DriveOptions:
    """Everything that the bytes of a drive depend on. Equal options give equal bytes.

    Args:
        seed: World, traffic, light and noise; 0 or more. Default: 0.
        cameras: How many cameras of the ring, 1 to 8. Default: 6.
        duration_s: Length of the drive. Default: 20 s.
        rate_hz: Instants per second. Default: 4.
        width: Image width in px. Default: 960.
        height: Image height in px. Default: 544.
        condition: A Condition or its word for the whole drive; ``cycle`` gives each condition an equal stretch of the
            drive, ``mixed`` draws condition and strength anew for each instant. Default: day.
        strength: 0 for the mildest form of the condition, 1 for the hardest. Default: 0.7.
        start_stamp_ns: Time of the first instant. Default: 1 700 000 000 s.
        distortion: plumb_bob k1 k2 p1 p2 k3 of every camera. Default: none.
        noise: Sensor noise, 1 is that of an ordinary camera in this light. Default: 1.
        blur: Motion and lens blur, 1 is ordinary. Default: 1.
        exposure: Brightness of the picture, 1 is well exposed. Default: 1.
        jpeg_quality: JPEG artefacts of this quality (1 to 100), None for none. Default: 92.

    Raises:
        ConfigError: A value of the wrong type or out of range.
    """

    seed: int = 0
    cameras: int = 6
    duration_s: float = 20.0
    rate_hz: float = 4.0
    width: int = 960
    height: int = 544
    condition: Condition | str = Condition.DAY
    strength: float = 0.7
    start_stamp_ns: int = 1_700_000_000_000_000_000
    distortion: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)
    noise: float = 1.0
    blur: float = 1.0
    exposure: float = 1.0
    jpeg_quality: int | None = 92

    def __post_init__(self) -> None:
        self._whole("seed", 0, 2**63 - 1)
        self._whole("cameras", 1, 8)
        self._whole("width", 64, 4096)
        self._whole("height", 64, 4096)
        self._whole("start_stamp_ns", 0, 2**63 - 1)
        self._real("duration_s", 0.0, 3600.0, open_low=True)
        self._real("rate_hz", 0.0, 1000.0, open_low=True)
        self._real("strength", 0.0, 1.0)
        self._real("noise", 0.0, 10.0)
        self._real("blur", 0.0, 10.0)
        self._real("exposure", 0.1, 10.0)
        if self.jpeg_quality is not None:
            self._whole("jpeg_quality", 1, 100)
        object.__setattr__(self, "condition", _condition(self.condition))
        object.__setattr__(self, "distortion", _distortion(self.distortion))

    @property
    def count(self) -> int:
        """Number of instants; at least one."""
        return max(1, round(self.duration_s * self.rate_hz))

    def _whole(self, name: str, low: int, high: int) -> None:
        value = getattr(self, name)
        try:
            number = None if isinstance(value, bool) else operator.index(value)
        except TypeError:
            number = None
        if number is None or not low <= number <= high:
            raise ConfigError(f"DriveOptions.{name}", f"expected a whole number from {low} to {high}, got {value!r}")
        object.__setattr__(self, name, number)

    def _real(self, name: str, low: float, high: float, *, open_low: bool = False) -> None:
        value = getattr(self, name)
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        if not is_number or not low <= value <= high or (open_low and value == low):
            word = "above" if open_low else "from"
            raise ConfigError(f"DriveOptions.{name}", f"expected a number {word} {low:g} to {high:g}, got {value!r}")
        object.__setattr__(self, name, float(value))


def _condition(value: object) -> Condition | str:
    if isinstance(value, str) and value in SCHEDULES:
        return value
    try:
        return Condition(value)
    except ValueError:
        words = ", ".join(repr(word) for word in (*(item.value for item in Condition), *SCHEDULES))
        raise ConfigError("DriveOptions.condition", f"expected one of {words}, got {value!r}") from None


def _distortion(value: object) -> tuple[float, ...]:
    if isinstance(value, (tuple, list)) and len(value) == 5:
        numbers = tuple(float(item) for item in value if isinstance(item, (int, float)) and not isinstance(item, bool))
        if len(numbers) == 5 and all(math.isfinite(number) for number in numbers):
            return numbers
    raise ConfigError("DriveOptions.distortion", f"expected five finite numbers k1 k2 p1 p2 k3, got {value!r}")
