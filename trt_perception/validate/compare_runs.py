"""One page that shows several validations side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from trt_perception.errors import InputError
from trt_perception.options.write_atomically import write_atomically
from trt_perception.validate.chart import MAX_SERIES, BarChart, bar_chart
from trt_perception.validate.comparison import ComparisonTable, comparison_tables, differences
from trt_perception.validate.page import render_page
from trt_perception.validate.report import Report, read_report


def write_comparison(files: Sequence[Path], out: Path, *, overwrite: bool = False) -> None:
    """Write the page.

    Args:
        files: report.json of each run, or its folder; they are shown in this order.
        out: The HTML file.
        overwrite: Whether an existing file is replaced.

    Raises:
        InputError: Fewer than two files, one is no report, or the page is there already or cannot be written.
        MissingError: Jinja2 is not installed.
    """
    if len(files) < 2:
        raise InputError(f"validate --compare: expected two reports or more, got {len(files)}")
    if out.exists() and not overwrite:
        raise InputError(f"{out}: exists already; give another --out, or --overwrite")
    reports = [read_report(path) for path in files]
    page = render_comparison(reports, [_name(path) for path in files])
    try:
        write_atomically(out, page.encode())
    except OSError as error:
        raise InputError(f"{out}: cannot be written: {error.strerror or error}; give another --out") from error


def render_comparison(reports: Sequence[Report], names: Sequence[str]) -> str:
    """The page as HTML, which needs nothing beside it.

    Args:
        reports: Two or more.
        names: What to call each.

    Raises:
        MissingError: Jinja2 is not installed.
    """
    tables = comparison_tables(reports)
    return render_page(
        "comparison.html.j2",
        reports=reports,
        names=names,
        tables=tables,
        warnings=list(differences(reports)),
        charts_of={table.title: list(_charts(table, names)) for table in tables},
    )


def _charts(table: ComparisonTable, names: Sequence[str]) -> Iterator[BarChart]:
    """Main figures of a table as bars, one for each run."""
    for figure, unit in (
        ("mAP50, %", 100.0),
        ("mAP50:95, %", 100.0),
        ("mean IoU, %", 100.0),
        ("p99 of a frame, ms", 0),
    ):
        row = next((row for row in table.rows if row.figure == figure), None)
        known = [value for value in row.values if value is not None] if row else []
        if row is not None and known:
            rows = {f"{index}. {name}": [value] for index, (name, value) in
                    enumerate(list(zip(names, row.values, strict=True))[: 3 * MAX_SERIES], start=1)}  # fmt: skip
            yield bar_chart(figure, rows, [figure], maximum=unit or max(known), digits=2)


def _name(path: Path) -> str:
    """The run's folder says more than `report.json`."""
    if path.is_dir() or path.name != "report.json":
        return path.name.removesuffix(".json") or path.resolve().name
    return path.resolve().parent.name
