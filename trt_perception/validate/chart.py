"""Geometry of small charts; the templates turn it into SVG.

Charts are 360 units wide and shown about as wide, so that their letters stay readable on a telephone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH = 360.0
_ROW = 18.0
_LABEL_WIDTH = 112.0
_VALUE_WIDTH = 52.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 40.0, 10.0, 10.0, 36.0
_PLOT_HEIGHT = 220.0
MAX_SERIES = 8
"""Colours that can be told apart."""


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One bar: its place in px of the chart, and the text behind it."""

    y: float
    width: float
    series: int
    text: str


@dataclass(frozen=True, kw_only=True)
class BarRow:
    """Bars of one label, the label's baseline at `y`."""

    label: str
    y: float
    bars: tuple[Bar, ...]


@dataclass(frozen=True, kw_only=True)
class BarChart:
    """Horizontal bars.

    Args:
        title: What it shows.
        height: Units.
        left: Where the bars begin.
        thickness: Of a bar.
        series: Names, one colour each.
        rows: From the top.
    """

    title: str
    height: float
    left: float
    thickness: float
    series: tuple[str, ...]
    rows: tuple[BarRow, ...]


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A mark on an axis."""

    place: float
    text: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line: `x,y` pairs as SVG wants them."""

    name: str
    points: str


@dataclass(frozen=True, kw_only=True)
class LineChart:
    """Lines over a plane with two axes, from the corner at (left, bottom)."""

    title: str
    x_label: str
    y_label: str
    height: float
    left: float
    right: float
    top: float
    bottom: float
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, kw_only=True)
class Column:
    """One bar of a histogram, in units of the chart."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, kw_only=True)
class ColumnChart:
    """A histogram."""

    title: str
    x_label: str
    height: float
    left: float
    right: float
    bottom: float
    x_ticks: tuple[Tick, ...]
    columns: tuple[Column, ...]


def bar_chart(
    title: str, rows: Mapping[str, Sequence[float | None]], series: Sequence[str], *, maximum: float, digits: int = 1
) -> BarChart:
    """Bars by label, one for each series; None gives no bar and a dash.

    Args:
        title: What it shows.
        rows: Values by label, one for each series.
        series: Names.
        maximum: The value of the longest bar that fits; longer ones are cut.
        digits: Behind the point, in the texts.
    """
    room = WIDTH - _LABEL_WIDTH - _VALUE_WIDTH
    thickness = 11.0 if len(series) == 1 else 9.0
    drawn = []
    y = 4.0
    for label, values in rows.items():
        bars = []
        for index, value in enumerate(values):
            share = 0.0 if value is None or maximum <= 0 else min(max(value / maximum, 0.0), 1.0)
            text = "-" if value is None else f"{value:.{digits}f}"
            bars.append(Bar(y=y + index * (thickness + 2), width=room * share, series=index, text=text))
        height = len(values) * (thickness + 2)
        drawn.append(BarRow(label=shortened(label), y=y + height / 2 + 3, bars=tuple(bars)))
        y += max(height, _ROW - 4) + 5
    return BarChart(
        title=title, height=y + 2, left=_LABEL_WIDTH, thickness=thickness, series=tuple(series), rows=tuple(drawn)
    )


def line_chart(
    title: str, lines: Mapping[str, Sequence[tuple[float, float]]], *, x_label: str, y_label: str
) -> LineChart:
    """Lines in the square from 0 to 1."""
    width = WIDTH - _LEFT - _RIGHT
    bottom = _TOP + _PLOT_HEIGHT

    def point(x: float, y: float) -> str:
        return f"{_LEFT + width * x:.1f},{bottom - _PLOT_HEIGHT * y:.1f}"

    steps = [0.0, 0.25, 0.5, 0.75, 1.0]
    return LineChart(
        title=title,
        x_label=x_label,
        y_label=y_label,
        height=bottom + _BOTTOM,
        left=_LEFT,
        right=WIDTH - _RIGHT,
        top=_TOP,
        bottom=bottom,
        x_ticks=tuple(Tick(place=_LEFT + width * step, text=f"{step:g}") for step in steps),
        y_ticks=tuple(Tick(place=bottom - _PLOT_HEIGHT * step, text=f"{step:g}") for step in steps),
        lines=tuple(
            Line(name=name, points=" ".join(point(x, y) for x, y in points))
            for name, points in list(lines.items())[:MAX_SERIES]
        ),
    )


def column_chart(title: str, edges: Sequence[float], counts: Sequence[int], *, x_label: str) -> ColumnChart:
    """A histogram; `edges` has one value more than `counts`."""
    low, high = edges[0], edges[-1]
    span = (high - low) or 1.0
    most = max(counts, default=0) or 1
    width = WIDTH - _LEFT - _RIGHT
    plot = _PLOT_HEIGHT * 0.6
    bottom = _TOP + plot
    step = _step(span / 4)
    first = math.ceil(low / step)
    ticks = [step * number for number in range(first, math.floor(high / step) + 1)]
    return ColumnChart(
        title=title,
        x_label=x_label,
        height=bottom + _BOTTOM,
        left=_LEFT,
        right=WIDTH - _RIGHT,
        bottom=bottom,
        x_ticks=tuple(Tick(place=_LEFT + width * (tick - low) / span, text=f"{tick:g}") for tick in ticks),
        columns=tuple(
            Column(
                x=_LEFT + width * (left - low) / span,
                y=bottom - plot * count / most,
                width=max(width * (right - left) / span - 0.5, 0.5),
                height=plot * count / most,
            )
            for left, right, count in zip(edges[:-1], edges[1:], counts, strict=True)
        ),
    )


def shortened(text: str, length: int = 17) -> str:
    """A label that fits beside its bar."""
    return text if len(text) <= length else text[: length - 1] + "…"


def _step(about: float) -> float:
    """The round number (1, 2, 5 times a power of ten) next above."""
    power = 10.0 ** math.floor(math.log10(about))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= about * 0.999)
