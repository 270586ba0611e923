"""How road users move: a closed formula of time, so that any instant can be asked for first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Motion:
    """One road user.

    Args:
        class_id: Index into CLASS_NAMES.
        s: Road length at time 0 in m.
        d: Offset to the left of the centre line in m.
        speed: Along the road in m/s, negative against it.
        turn: Heading against that of the road in radians.
        sway: Amplitude in m of a slow speeding up and slowing down.
        cross_speed: Speed across the road in m/s for those who walk to and fro.
        cross_reach: They turn round at d of plus and minus this, in m.
        species: Kind of animal.
    """

    class_id: int
    s: float
    d: float
    speed: float = 0.0
    turn: float = 0.0
    sway: float = 0.0
    cross_speed: float = 0.0
    cross_reach: float = 0.0
    species: str = "dog"


class MotionTable:
    """All road users as columns."""

    def __init__(self, rows: list[Motion]) -> None:
        self.rows = rows
        self.class_ids = np.array([row.class_id for row in rows], dtype=np.int64)
        self.s0 = np.array([row.s for row in rows], dtype=np.float64)
        self._d0 = np.array([row.d for row in rows], dtype=np.float64)
        self._speed = np.array([row.speed for row in rows], dtype=np.float64)
        self._turn = np.array([row.turn for row in rows], dtype=np.float64)
        self._sway = np.array([row.sway for row in rows], dtype=np.float64)
        self._cross_speed = np.array([row.cross_speed for row in rows], dtype=np.float64)
        self._reach = np.array([row.cross_reach for row in rows], dtype=np.float64)
        self.moving = (self._speed != 0.0) | (self._cross_speed != 0.0)
        # A different rhythm for each, from the row number alone.
        self._rhythm = 0.15 + 0.2 * np.modf(0.618033988749895 * np.arange(len(rows)))[0]

    def at(self, time_s: float) -> tuple[Array, Array, Array]:
        """Road length, offset and heading against the road of everybody, each float64 (n,)."""
        s = self.s0 + self._speed * time_s + self._sway * np.sin(self._rhythm * time_s + self.s0)
        crossing = self._cross_speed > 0.0
        reach = np.where(crossing, self._reach, 1.0)
        # A triangle wave from -reach to reach that passes d0 at time 0 on its way to the left.
        cycle = np.mod(self._d0 + reach + self._cross_speed * time_s, 4.0 * reach)
        leftward = cycle < 2.0 * reach
        wave = np.where(leftward, cycle - reach, 3.0 * reach - cycle)
        d = np.where(crossing, wave, self._d0)
        turn = np.where(crossing, np.where(leftward, np.pi / 2.0, -np.pi / 2.0), self._turn)
        return s, d, turn

    def travel(self, row: int, time_s: float) -> float:
        """Way across the road so far in m."""
        return float(self._cross_speed[row] * time_s)
