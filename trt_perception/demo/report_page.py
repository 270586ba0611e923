"""The demo's report as one HTML file that needs nothing beside it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path

from trt_perception.demo.run_report import RunReport
from trt_perception.errors import MissingError

TEMPLATE = Path(__file__).with_name("report_page.html.j2")


def write_report_page(path: Path, report: RunReport, pictures: Mapping[str, bytes]) -> None:
    """Write the page.

    Args:
        path: The file, replaced where it exists.
        report: What to show.
        pictures: JPEG files by caption; they become part of the page.

    Raises:
        MissingError: Jinja2 is not installed.
    """
    try:
        import jinja2
    except ImportError as error:
        raise MissingError("Jinja2 is not installed", "pip install 'trt_perception[report]'") from error
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.filters["percent"] = lambda value: "-" if value is None else f"{100 * value:.1f}"
    environment.filters["ms"] = lambda value: "-" if value is None else f"{value:.0f}"
    encoded = {caption: base64.b64encode(picture).decode() for caption, picture in pictures.items()}
    path.write_text(environment.from_string(TEMPLATE.read_text()).render(report=report, pictures=encoded))
