"""Renders the pages of this part from its templates: one file each, which needs nothing beside it."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from trt_perception.errors import MissingError

TEMPLATES = Path(__file__).with_name("templates")


def render_page(template: str, **content: Any) -> str:
    """The HTML of a template; every value is escaped.

    Raises:
        MissingError: Jinja2 is not installed.
    """
    jinja2 = load_jinja2()
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=_percent,
        number=_number,
        points=_points,
        time=_time,
        tally=_tally,
        jpeg=lambda data: base64.b64encode(data).decode(),
    )
    text: str = environment.get_template(template).render(**content)
    return text


def load_jinja2() -> Any:
    """The package that fills in templates.

    Raises:
        MissingError: It is not installed.
    """
    try:
        import jinja2
    except ImportError as error:
        raise MissingError("Jinja2 is not installed", "pip install 'trt_perception[report]'") from error
    return jinja2


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.2f}"


def _number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _points(value: float | None) -> str:
    """A difference in points, with its sign; no difference has none."""
    if value is None:
        return "-"
    text = f"{100 * value:+.2f}"
    return "0" if float(text) == 0 else text


def _tally(words: Iterable[str]) -> str:
    """Each word once, with how often where that is more than once; most frequent first."""
    counted = Counter(words).most_common()
    return ", ".join(word if count == 1 else f"{count} {word}" for word, count in counted)


def _time(time_ns: int | None) -> str:
    """Seconds, to the nanosecond: what `ros2 topic echo` shows of a stamp."""
    return "no stamp" if time_ns is None else f"{time_ns // 1_000_000_000}.{time_ns % 1_000_000_000:09d}"
