"""The arguments of both verbs that compare live with offline, and what they print."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trt_perception.cli.table import render_table
from trt_perception.options.from_mapping import from_mapping
from trt_perception.validate.live_tolerance import LiveTolerance

if TYPE_CHECKING:
    from trt_perception.validate.live_comparison import LiveComparison

SHOWN = 20
"""Lines of each list that are printed; --json has all."""


def add_live_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the offline run and the tolerance."""
    default = LiveTolerance()
    parser.add_argument(
        "--offline", type=Path, required=True, metavar="RUN", help="folder of `trt-perception validate` on the same bag"
    )
    parser.add_argument(
        "--camera", action="append", default=[], help="compare this camera alone (may be given several times)"
    )
    parser.add_argument(
        "--pixels",
        type=float,
        default=default.pixels,
        help=f"distance of each edge of a box, at most (default: {default.pixels:g})",
    )
    parser.add_argument("--iou", type=float, help="boxes are the same from this overlap on, too")
    parser.add_argument(
        "--score-difference",
        type=float,
        default=default.score,
        help=f"difference of the scores, at most (default: {default.score:g})",
    )
    parser.add_argument(
        "--mask-share",
        type=float,
        default=default.mask_share,
        help=f"share of a mask's pixels that may differ (default: {default.mask_share:g})",
    )
    parser.add_argument("--json", action="store_true", help="print the comparison as JSON, every frame of every list")


def tolerance_of(arguments: argparse.Namespace) -> LiveTolerance:
    """What counts as the same.

    Raises:
        ConfigError: A number is out of its range.
    """
    content: dict[str, Any] = {
        "pixels": arguments.pixels,
        "iou": arguments.iou,
        "score": arguments.score_difference,
        "mask_share": arguments.mask_share,
    }
    return from_mapping(LiveTolerance, content, where="tolerance")


def comparison_text(comparison: LiveComparison) -> str:
    """For the terminal."""
    rows = [
        (
            account.camera,
            account.frames,
            account.compared,
            account.differing,
            _counts(account.dropped),
            account.not_played,
            _counts(account.skipped),
            account.unanswered,
        )
        for account in comparison.cameras
    ]
    header = (
        "camera",
        "frames",
        "compared",
        "differing",
        "dropped live",
        "not played",
        "skipped offline",
        "unanswered",
    )
    largest = comparison.largest
    lines = [
        render_table(header, rows),
        "",
        f"{largest.boxes} boxes are the same: edges within {largest.pixels:.3g} px, scores within {largest.score:.2g}; "
        f"masks within {largest.mask_share:.2%}; {largest.borderline} boxes at the operating score on one side alone",
        *(f"warning: {warning}" for warning in comparison.warnings),
        *_listed("dropped live", [f"{f.camera} {f.stamp_ns}: {f.reason.value}" for f in comparison.dropped]),
        *_listed(
            "problems",
            [
                f"{' '.join(filter(None, (p.camera, p.head, str(p.stamp_ns or ''))))}{': ' * bool(p.camera)}{p.text}"
                for p in comparison.problems
            ],
        ),
        "live and offline agree" if comparison.passed else "live and offline do not agree",
    ]
    return "\n".join(lines)


def _listed(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"{title}:"
        yield from (f"  {line}" for line in lines[:SHOWN])
        if len(lines) > SHOWN:
            yield f"  and {len(lines) - SHOWN} more; --json lists them all"


def _counts(counts: Any) -> str:
    return ", ".join(f"{reason} {count}" for reason, count in counts.items()) or "-"
