"""`trt-perception calibrate`: the INT8 range of a model's tensors, from bags or folders of images."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trt_perception.cli.progress import progress_bar
from trt_perception.cli.set_arguments import add_set_arguments, pairing_of, sets_of
from trt_perception.cli.table import render_table
from trt_perception.errors import InputError
from trt_perception.model.model_overrides import parse_overrides
from trt_perception.options.from_mapping import from_mapping
from trt_perception.precision.calibration_table import write_table
from trt_perception.precision.precision_plan import CalibratorMethod, CalibratorOptions

if TYPE_CHECKING:
    from trt_perception.calibration.calibrate import Calibration, Progress

NAME = "calibrate"
SUMMARY = "find the INT8 range of a model's tensors on frames from bags or folders of images"
EXAMPLE = (
    "trt-perception calibrate yolox_nano.yaml drives/monday drives/night --frames 500 --out yolox_nano.calibration.json"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    default = CalibratorOptions()
    parser.add_argument("model", type=Path, help="the model's YAML, or the ONNX itself")
    parser.add_argument("sources", type=Path, nargs="+", metavar="BAG_OR_FOLDER", help="bags, or folders of images")
    parser.add_argument(
        "--method",
        type=CalibratorMethod,
        choices=list(CalibratorMethod),
        default=default.method,
        metavar="{" + ",".join(method.value for method in CalibratorMethod) + "}",
        help=f"how a range follows from the values (default: {default.method.value})",
    )
    parser.add_argument(
        "--percentile",
        type=float,
        default=default.percentile,
        help=f"share of the absolute values inside the range, for --method percentile (default: {default.percentile})",
    )
    parser.add_argument(
        "--frames", type=int, default=500, help="frames to run; fewer usable ones are an error (default: 500)"
    )
    parser.add_argument("--seed", type=int, default=0, help="another seed chooses other frames (default: 0)")
    parser.add_argument("--tensor", action="append", default=[], metavar="NAME", help="calibrate these tensors alone")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (default: as ONNX Runtime chooses)")
    parser.add_argument("--out", type=Path, metavar="JSON", help="the table (default: MODEL.calibration.json, here)")
    parser.add_argument("--overwrite", action="store_true", help="let --out replace an existing file")
    parser.add_argument("--json", action="store_true", help="print table and coverage as JSON")
    keep = parser.add_mutually_exclusive_group()
    keep.add_argument("--cache", type=Path, metavar="FOLDER", help="where earlier tables are kept, to be taken again")
    keep.add_argument("--no-cache", action="store_true", help="keep no table and take none")
    add_set_arguments(parser)
    given = parser.add_argument_group("what an ONNX does not say (each may be given several times)")
    given.add_argument("--head", action="append", default=[], metavar="[OUTPUT=]KIND", help="family of a head")
    given.add_argument("--labels", action="append", default=[], metavar="[OUTPUT=]FILE", help="names of the classes")
    given.add_argument("--shape", action="append", default=[], metavar="INPUT=SIZES", help="static shape of an input")
    given.add_argument("--preprocess", action="append", default=[], metavar="FIELD=VALUE", help="e.g. scale=1.0")


def run(arguments: argparse.Namespace) -> int:
    """Calibrate, write the table, print what the frames cover."""
    from trt_perception.calibration.calibrate import CalibrationOptions, calibrate

    options = from_mapping(
        CalibrationOptions,
        {
            "calibrator": {"method": arguments.method.value, "percentile": arguments.percentile},
            "frames": arguments.frames,
            "seed": arguments.seed,
            "tensors": arguments.tensor,
        },
        where="calibrate",
    )
    options = dataclasses.replace(options, sets=sets_of(arguments), pairing=pairing_of(arguments))
    out = arguments.out or Path(f"{arguments.model.stem}.calibration.json")
    _check_out(out, overwrite=arguments.overwrite)
    with _bars() as progress:
        calibration = calibrate(
            arguments.model,
            arguments.sources,
            options,
            overrides=parse_overrides(
                head=arguments.head, labels=arguments.labels, shape=arguments.shape, preprocess=arguments.preprocess
            ),
            cache=None if arguments.no_cache else arguments.cache or _default_cache(),
            threads=arguments.threads or None,
            progress=progress,
        )
    write_table(calibration.table, out)
    print(json.dumps(_to_plain(calibration, out), indent=2) if arguments.json else _to_text(calibration, out))
    return 0


def _check_out(out: Path, *, overwrite: bool) -> None:
    """Say before the work, not after it, that its result has nowhere to go."""
    if out.exists() and not overwrite:
        raise InputError(f"{out}: is there already; give another --out, or --overwrite")
    if not out.parent.is_dir():
        raise InputError(f"{out}: no folder {out.parent}; make it first")


def _default_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or ""
    return (Path(base) if base else Path.home() / ".cache") / "trt_perception" / "calibration"


@contextmanager
def _bars() -> Iterator[Progress]:
    """A bar for each part of the work, one after another."""
    bars: dict[str, Any] = {}

    def progress(what: str, done: int, total: int) -> None:
        if what not in bars:
            for bar in bars.values():
                bar.close()
            bars[what] = progress_bar(what, total=total, unit="tensor" if what == "finding ranges" else "frame")
        bars[what].update(done - bars[what].n)

    try:
        yield progress
    finally:
        for bar in bars.values():
            bar.close()


def _to_plain(calibration: Calibration, out: Path) -> dict[str, Any]:
    return {
        "out": str(out),
        "from_cache": calibration.from_cache,
        "digest": calibration.table.digest,
        "table": dataclasses.asdict(calibration.table),
        "coverage": calibration.coverage.to_plain(),
    }


def _to_text(calibration: Calibration, out: Path) -> str:
    table, cover = calibration.table, calibration.coverage
    where = "taken from the cache" if calibration.from_cache else "calibrated"
    lines = [
        render_table(("frames by", "", "frames"), cover.rows()),
        "",
        *(f"unreadable: {text}" for text in cover.unreadable),
        *(f"warning: {text}" for text in cover.warnings),
        f"{where}: {len(table.ranges)} tensors by {table.method}, {cover.frames} frames of {cover.image_count} images, "
        f"{len(table.dead)} tensors always zero",
        f"written: {out}",
    ]
    return "\n".join(lines)
