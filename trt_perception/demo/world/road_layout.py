"""What lies across the road: lanes, lines, kerbs, pavements, and where other roads cross."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from trt_perception.demo.seeding import generator

_LAYOUT = 22


class Setting(str, Enum):
    """What kind of place the road leads through."""

    CITY = "city"
    SUBURB = "suburb"
    VILLAGE = "village"
    INDUSTRY = "industry"


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """A road across: at length `s`, `half_width` to both sides."""

    s: float
    half_width: float
    has_signal: bool


@dataclass(frozen=True, kw_only=True)
class RoadLayout:
    """Widths across the road in m. `hand` is 1 where one drives on the right, -1 on the left.

    Offsets are for driving on the right (own lanes at d < 0); multiply by `hand` to place them.
    """

    setting: Setting
    hand: int
    own_lanes: int
    other_lanes: int
    lane_width: float
    median: float
    cycle_lane: float
    parking: float
    pavement: float
    verge: float
    setback: float
    dash: float
    gap: float
    line_width: float
    yellow_centre: bool
    crossings: tuple[Crossing, ...]
    speed: float

    @property
    def own_edge(self) -> float:
        """Outer edge of the own lanes (a distance to the right of the centre line)."""
        return self.median / 2.0 + self.own_lanes * self.lane_width

    @property
    def other_edge(self) -> float:
        """Outer edge of the oncoming lanes (a distance to the left)."""
        return self.median / 2.0 + self.other_lanes * self.lane_width

    @property
    def extra(self) -> float:
        """Paving beyond the lanes, on both sides alike: cycle lane and parking bays."""
        return self.cycle_lane + self.parking + 0.35

    @property
    def own_kerb(self) -> float:
        """Distance of the right kerb."""
        return self.own_edge + self.extra

    @property
    def other_kerb(self) -> float:
        """Distance of the left kerb."""
        return self.other_edge + self.extra

    def own_lane(self, number: int) -> float:
        """Offset d of the middle of an own lane; 0 is next to the centre."""
        return -self.hand * (self.median / 2.0 + (number + 0.5) * self.lane_width)

    def other_lane(self, number: int) -> float:
        """Offset d of the middle of an oncoming lane; 0 is next to the centre."""
        return self.hand * (self.median / 2.0 + (number + 0.5) * self.lane_width)


def road_layout(seed: int, *, start_m: float, end_m: float) -> RoadLayout:
    """The layout of one drive, which keeps its cross-section throughout."""
    rng = generator(seed, _LAYOUT)
    setting = list(Setting)[int(rng.choice(4, p=[0.36, 0.28, 0.2, 0.16]))]
    in_town = setting in (Setting.CITY, Setting.SUBURB)
    own = int(rng.choice([1, 2, 3], p=[0.35, 0.45, 0.20]))
    crossings = []
    s = start_m + float(rng.uniform(10.0, 80.0))
    while s < end_m:
        crossings.append(Crossing(s=s, half_width=float(rng.uniform(3.2, 5.5)), has_signal=bool(rng.random() < 0.6)))
        s += float(rng.uniform(55.0, 130.0))
    return RoadLayout(
        setting=setting,
        hand=1 if rng.random() < 0.85 else -1,
        own_lanes=own,
        other_lanes=int(rng.choice([1, max(1, own - 1), own])),
        lane_width=float(rng.uniform(3.1, 3.7)),
        median=float(rng.choice([0.0, 0.0, 1.6])) if own > 1 else 0.0,
        cycle_lane=float(rng.choice([0.0, 1.6], p=[0.55, 0.45])),
        parking=float(rng.choice([0.0, 2.3], p=[0.4, 0.6])) if in_town else float(rng.choice([0.0, 2.3], p=[0.7, 0.3])),
        pavement=float(rng.uniform(2.2, 4.5) if in_town else rng.uniform(1.6, 2.6)),
        verge=float(rng.choice([0.0, rng.uniform(1.2, 3.0)]))
        if setting is Setting.CITY
        else float(rng.uniform(1.5, 5.0)),
        setback=float(rng.uniform(0.3, 2.0) if setting is Setting.CITY else rng.uniform(3.0, 9.0)),
        dash=float(rng.choice([3.0, 4.0])),
        gap=float(rng.choice([4.5, 6.0, 8.0])),
        line_width=float(rng.uniform(0.15, 0.22)),
        yellow_centre=bool(rng.random() < 0.4),
        crossings=tuple(crossings),
        speed=float(rng.uniform(5.5, 12.5)),
    )
