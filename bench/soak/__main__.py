"""Run a soak and write docs/results/soak.json; 1 where something did not hold.

python -m bench.soak --minutes 60
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test"))

from helpers.ros_environment import UNWANTED, ros_environment  # noqa: E402

from bench.soak.soak_options import SoakOptions  # noqa: E402


def options_of(arguments: list[str]) -> tuple[SoakOptions, Path]:
    """The soak that the command line asks for, and the folder of its logs."""
    default = SoakOptions()
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=default.seconds / 60)
    parser.add_argument("--hz", type=float, default=default.hz, help="images a second of each camera")
    parser.add_argument("--size", type=int, nargs=2, default=(default.width, default.height), metavar=("W", "H"))
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--keep", type=Path, help="folder for config and logs (default: a temporary one)")
    parsed = parser.parse_args(arguments)
    width, height = parsed.size
    options = SoakOptions(seconds=parsed.minutes * 60, hz=parsed.hz, width=width, height=height, seed=parsed.seed)
    return options, parsed.keep


def main(arguments: list[str]) -> int:
    """Run it in a ROS domain of its own."""
    options, keep = options_of(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        folder = keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        os.environ.update(ros_environment(folder / "ros_log"))
        for name in UNWANTED:
            os.environ.pop(name, None)

        from bench.soak.soak import run_soak  # ROS reads its environment when it is loaded
        from bench.soak.soak_result import soak_result

        outcome = run_soak(options, folder, say=lambda line: print(line, flush=True))
    result, problems = soak_result(outcome)
    print(f"{result.write()}: " + "; ".join(result.goals))
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
