"""Light, air and wetness of one instant, as numbers that the drawing needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trt_perception.demo.condition import Condition
from trt_perception.demo.seeding import generator

Array = NDArray[np.float64]

_AIR = 51


@dataclass(frozen=True, kw_only=True, eq=False)
class Atmosphere:
    """Colours are BGR, 1 is a white surface in full daylight.

    Args:
        condition: What it is like.
        strength: 0 mild to 1 hard.
        sun_direction: float64 (3,), unit, from the ground to the sun in the world frame.
        sun: float64 (3,), light of the sun on a surface that faces it.
        ambient_up: float64 (3,), light from the sky on a surface that faces up.
        ambient_down: float64 (3,), light from the ground on a surface that faces down.
        zenith: float64 (3,), colour of the sky overhead.
        horizon: float64 (3,), colour of the sky at the horizon, which far things fade to.
        clouds: 0 clear to 1 closed.
        extinction: Share of light lost per m on the way to the camera.
        lights: 0 to 1, how much head lights, lamps and lit windows shine.
        beam: Light of the car's own head lights on the road, 0 to 1.
        wetness: 0 dry to 1 mirror.
        rain: 0 to 1, streaks and drops.
        glare: 0 to 1, bloom round the sun.
        noise: Sensor noise in grey levels (standard deviation).
        exposure: Factor on the finished picture.
    """

    condition: Condition
    strength: float
    sun_direction: Array
    sun: Array
    ambient_up: Array
    ambient_down: Array
    zenith: Array
    horizon: Array
    clouds: float
    extinction: float
    lights: float = 0.0
    beam: float = 0.0
    wetness: float = 0.0
    rain: float = 0.0
    glare: float = 0.0
    noise: float = 1.6
    exposure: float = 1.0

    @property
    def ground_light(self) -> Array:
        """float64 (3,): light on level ground in the open."""
        return self.ambient_up + self.sun * max(0.0, float(self.sun_direction[2]))


def atmosphere(seed: int, condition: Condition, strength: float) -> Atmosphere:
    """The air of a drive under a condition."""
    rng = generator(seed, _AIR)
    azimuth, lift, cloud, tint = (float(value) for value in rng.uniform(0.0, 1.0, 4))
    glare_azimuth = float(rng.uniform(-0.45, 0.45))
    if condition is Condition.GLARE:
        return _glare(strength, glare_azimuth, lift)
    turn = 2.0 * np.pi * azimuth
    if condition is Condition.DAY:
        return _day(strength, turn, lift, cloud)
    if condition is Condition.DUSK:
        return _dusk(strength, turn, lift, cloud)
    if condition is Condition.NIGHT:
        return _night(strength, turn, tint)
    if condition is Condition.RAIN:
        return _rain(strength, turn, tint)
    return _fog(strength, turn, tint)


def _direction(turn: float, elevation_deg: float) -> Array:
    up = np.radians(elevation_deg)
    return np.array([np.cos(turn) * np.cos(up), np.sin(turn) * np.cos(up), np.sin(up)])


def _day(strength: float, turn: float, lift: float, cloud: float) -> Atmosphere:
    # The harder the day, the harder the light: less cloud, deeper shadows.
    direct = 0.45 + 0.5 * strength
    return Atmosphere(
        condition=Condition.DAY,
        strength=strength,
        sun_direction=_direction(turn, 28.0 + 32.0 * lift),
        sun=np.array([0.80, 0.93, 1.0]) * direct,
        ambient_up=np.array([0.80, 0.74, 0.69]) * (1.05 - 0.35 * strength),
        ambient_down=np.array([0.50, 0.51, 0.52]) * (1.1 - 0.3 * strength),
        zenith=np.array([0.80, 0.52, 0.30]),
        horizon=np.array([0.92, 0.86, 0.78]),
        clouds=0.25 + 0.55 * cloud,
        extinction=1.0 / 1600.0,
    )


def _dusk(strength: float, turn: float, lift: float, cloud: float) -> Atmosphere:
    dim = 1.0 - 0.5 * strength
    return Atmosphere(
        condition=Condition.DUSK,
        strength=strength,
        sun_direction=_direction(turn, 5.0 + 5.0 * lift),
        sun=np.array([0.16, 0.36, 0.70]) * dim * 0.9,
        ambient_up=np.array([0.52, 0.38, 0.36]) * dim * 0.85,
        ambient_down=np.array([0.32, 0.27, 0.28]) * dim,
        zenith=np.array([0.46, 0.27, 0.20]) * (0.45 + 0.55 * dim),
        horizon=np.array([0.36, 0.52, 0.90]) * (0.4 + 0.6 * dim),
        clouds=0.3 + 0.4 * cloud,
        extinction=1.0 / 900.0,
        lights=0.55 + 0.3 * strength,
        beam=0.15 + 0.15 * strength,
        noise=3.0,
    )


def _night(strength: float, turn: float, tint: float) -> Atmosphere:
    level = 0.20 - 0.13 * strength
    return Atmosphere(
        condition=Condition.NIGHT,
        strength=strength,
        sun_direction=_direction(turn, 40.0),
        sun=np.zeros(3),
        ambient_up=np.array([1.15, 0.92, 0.80]) * level,
        ambient_down=np.array([0.5, 0.5, 0.55]) * level,
        zenith=np.array([0.09, 0.06, 0.05]) * (1.2 - 0.8 * strength),
        horizon=np.array([0.14, 0.13, 0.15 + 0.05 * tint]) * (1.25 - 0.8 * strength),
        clouds=0.3,
        extinction=1.0 / 500.0,
        lights=1.0,
        beam=0.62,
        noise=5.0 + 3.0 * strength,
    )


def _rain(strength: float, turn: float, tint: float) -> Atmosphere:
    level = 0.80 - 0.22 * strength
    grey = np.array([1.0, 0.97, 0.93 + 0.04 * tint])
    return Atmosphere(
        condition=Condition.RAIN,
        strength=strength,
        sun_direction=_direction(turn, 50.0),
        sun=np.zeros(3),
        ambient_up=grey * level,
        ambient_down=grey * level * 0.66,
        zenith=grey * (level * 0.78),
        horizon=grey * (level * 0.98),
        clouds=1.0,
        extinction=1.0 / (420.0 - 280.0 * strength),
        lights=0.35 + 0.35 * strength,
        beam=0.12,
        wetness=0.45 + 0.55 * strength,
        rain=0.25 + 0.75 * strength,
        noise=2.6,
    )


def _fog(strength: float, turn: float, tint: float) -> Atmosphere:
    level = 0.82 - 0.08 * strength
    grey = np.array([1.0, 0.985, 0.95 + 0.04 * tint])
    return Atmosphere(
        condition=Condition.FOG,
        strength=strength,
        sun_direction=_direction(turn, 45.0),
        sun=np.zeros(3),
        ambient_up=grey * level,
        ambient_down=grey * level * 0.7,
        zenith=grey * level * 0.95,
        horizon=grey * level * 0.93,
        clouds=1.0,
        extinction=1.0 / (95.0 - 67.0 * strength),
        lights=0.4,
        wetness=0.15,
        noise=2.2,
    )


def _glare(strength: float, turn: float, lift: float) -> Atmosphere:
    return Atmosphere(
        condition=Condition.GLARE,
        strength=strength,
        sun_direction=_direction(turn, 9.0 + 8.0 * lift),
        sun=np.array([0.62, 0.86, 1.0]) * (0.75 + 0.35 * strength),
        ambient_up=np.array([0.60, 0.57, 0.56]),
        ambient_down=np.array([0.36, 0.37, 0.39]),
        zenith=np.array([0.72, 0.52, 0.36]),
        horizon=np.array([0.80, 0.88, 0.96]),
        clouds=0.25,
        extinction=1.0 / 700.0,
        glare=0.4 + 0.6 * strength,
        exposure=1.05,
    )
