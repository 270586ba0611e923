"""Charts stay inside their picture, whatever the values."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trt_perception.validate.chart import MAX_SERIES, WIDTH, bar_chart, column_chart, line_chart

values = st.one_of(st.none(), st.floats(-10, 1e6))


@given(st.dictionaries(st.text(max_size=30), st.tuples(values, values), max_size=12), st.floats(0, 1e3))
def test_bars_stay_inside(rows: dict[str, tuple[float | None, float | None]], maximum: float) -> None:
    chart = bar_chart("bars", rows, ["one", "other"], maximum=maximum)
    assert len(chart.rows) == len(rows)
    for row, found in zip(chart.rows, rows.values(), strict=True):
        assert len(row.label) <= 17
        for bar, value in zip(row.bars, found, strict=True):
            assert bar.width >= 0
            assert chart.left + bar.width < WIDTH
            assert bar.y + chart.thickness <= chart.height
            assert bar.text == ("-" if value is None else f"{value:.1f}")


def test_bars_are_as_long_as_their_values() -> None:
    chart = bar_chart("bars", {"a": [50.0], "b": [100.0]}, ["one"], maximum=100.0)
    half, whole = (row.bars[0].width for row in chart.rows)
    assert whole == 2 * half > 0


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=20), st.integers(1, 12))
def test_lines_stay_inside_and_are_as_many_as_colours(points: list[tuple[float, float]], count: int) -> None:
    chart = line_chart("lines", {str(number): points for number in range(count)}, x_label="x", y_label="y")
    assert len(chart.lines) == min(count, MAX_SERIES)
    for pair in chart.lines[0].points.split():
        x, y = map(float, pair.split(","))
        assert chart.left - 0.1 <= x <= chart.right + 0.1
        assert chart.top - 0.1 <= y <= chart.bottom + 0.1


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=40), st.floats(0, 1000), st.floats(0.001, 1000))
def test_columns_stay_inside_and_ticks_are_round(counts: list[int], start: float, width: float) -> None:
    edges = [start + width * index for index in range(len(counts) + 1)]
    chart = column_chart("columns", edges, counts, x_label="ms")
    assert 1 <= len(chart.x_ticks) <= 10
    for column in chart.columns:
        assert chart.left - 0.1 <= column.x <= chart.right
        assert 0 <= column.y <= chart.bottom
    assert max(column.height for column in chart.columns) <= chart.bottom
