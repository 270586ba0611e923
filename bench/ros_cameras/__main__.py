"""DDS in to DDS out: cameras, the perception node and a listener, each a process of its own.

    python -m bench.ros_cameras --engines FOLDER --out PARTS [--cases 16_raw 6_raw] [--seconds 60]

Writes one part a case as it goes. Needs ROS 2; --stand-in rehearses without a GPU, with models that find nothing.
Where sixteen cameras cannot be held, --find-largest goes on with fewer until some number can.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from bench.engines.part_file import say, write_part
from bench.pipeline.identity import identity
from bench.pipeline.picture import picture as draw_picture
from bench.ros_cameras.case import CASES, SMALLER, STANDARD
from bench.ros_cameras.run_case import Row, run_case
from bench.ros_cameras.setting import describe_host
from bench.ros_cameras.table import held


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engines", type=Path, help="folder of the engines")
    parser.add_argument("--out", type=Path, required=True, help="folder of the parts")
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=list(STANDARD), metavar="CASE",
                        help=f"of {', '.join(CASES)}; default: {' '.join(STANDARD)}")  # fmt: skip
    parser.add_argument("--seconds", type=float, help="of each case (default: 20, of sixteen cameras 60)")
    parser.add_argument("--receivers", default="auto", help="processes that receive for the node (default: auto)")
    parser.add_argument("--find-largest", action="store_true", help="where sixteen cameras cannot be held, try fewer")
    parser.add_argument("--stand-in", action="store_true", help="rehearse: models that find nothing")
    arguments = parser.parse_args()
    known = identity(stand_in=arguments.stand_in)
    wanted = list(arguments.cases)
    with tempfile.TemporaryDirectory(prefix="ros_cameras.") as folder:
        picture = Path(folder) / "picture.npy"
        np.save(picture, draw_picture())
        say(f"picture drawn; host: {describe_host()}")
        while wanted:
            case = CASES[wanted.pop(0)]
            try:
                row = run_case(
                    case,
                    engines=arguments.engines or Path(),
                    picture=picture,
                    seconds=arguments.seconds or case.seconds,
                    null=arguments.stand_in,
                    receivers=arguments.receivers,
                )
            except (RuntimeError, TimeoutError) as error:
                say(f"{case.name}: FAILED: {error}")
                continue
            say(line(row))
            write_part(arguments.out, f"ros_{case.name}", known, {"host": describe_host(), "row": row})
            if arguments.find_largest and not wanted and case.name in ("16_raw", *SMALLER) and not held(row):
                wanted += SMALLER[: SMALLER.index(case.name) + 2][-1:] if case.name in SMALLER else SMALLER[:1]


def line(row: Row) -> str:
    """One row as it is printed while it runs."""
    ages = ", ".join(
        f"{name} {_ms(row[f'{name}_p50_ms'])} / {_ms(row[f'{name}_p99_ms'])} / {_ms(row[f'{name}_p99.9_ms'])} ms"
        for name in ("publish", "receipt")
    )
    counters = row["counters"]
    inside = ", ".join(
        f"{what} {_ms(max((one[key] or 0.0 for one in counters), default=None))}"
        for what, key in (("p50", "latency_p50_ms"), ("p99", "latency_p99_ms"))
    )
    inference = max((value or 0.0 for one in counters for value in one["inference_p50_ms"].values()), default=None)
    threads = " ".join(f"{value:.2f}" for value in row["busiest_threads"].values())
    return "; ".join(
        (
            f"{row['case']}: {row['images']} images, {row['results']} results, dropped {row['dropped_by_reason']}, "
            f"lost {row['lost']}, late {row['sent_late']}",
            ages,
            f"slot to topic of the slowest camera {inside}, of it pipeline p50 {_ms(inference)} ms",
            f"cores: node {row['node_cores']:.2f} ({threads}), receivers {row['receiver_cores']:.2f}, "
            f"observer {row['observer_cores']:.2f}",
        )
    )


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


if __name__ == "__main__":
    main()
