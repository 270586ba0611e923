"""`trt-perception VERB`: parses the arguments, runs the verb, turns errors into one line and an exit code."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

from trt_perception.errors import PerceptionError
from trt_perception.version import __version__

VERBS = (
    "doctor", "run", "play", "inspect", "calibrate", "quantize", "build", "judge", "profile", "bench", "detect",
    "validate", "replay", "compare-live", "demo",
)  # fmt: skip
"""Every verb; what it does stands in the module of its name."""

EXIT_CODES = """\
exit codes: 0 done; 1 a gate did not hold; 2 bad input or usage; 3 something needed is missing (GPU, ROS, package)"""


def verb_module(name: str) -> Any:
    """The module of a verb: NAME, SUMMARY, EXAMPLE, `add_arguments`, `run`."""
    return importlib.import_module(f"trt_perception.cli.{name.replace('-', '_')}")


def build_parser(verb: str = "") -> argparse.ArgumentParser:
    """The parser of every verb.

    Args:
        verb: The only one whose arguments are wanted; the others are known by name alone, and their modules, which
            take half a second together, are not loaded. Empty: all.
    """
    parser = argparse.ArgumentParser(
        prog="trt-perception",
        description="TensorRT perception for ROS 2: from camera topics to vision_msgs.",
        epilog=EXIT_CODES,
    )
    parser.add_argument("--version", action="version", version=f"trt-perception {__version__}")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    for name in VERBS:
        if verb in ("", name):
            _add_verb(verbs, verb_module(name))
        else:
            verbs.add_parser(name)
    return parser


def _add_verb(verbs: Any, module: Any) -> None:
    verb = verbs.add_parser(
        module.NAME,
        help=module.SUMMARY,
        description=module.SUMMARY[0].upper() + module.SUMMARY[1:] + ".",
        epilog=f"example:\n  {module.EXAMPLE}\n\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(verb)
    verb.set_defaults(run=module.run, verb=module.NAME)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    verb = arguments[0] if arguments and arguments[0] in VERBS else ""
    options = build_parser(verb).parse_args(arguments)
    try:
        return int(options.run(options))
    except PerceptionError as error:
        print(f"trt-perception {options.verb}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"trt-perception {options.verb}: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of our output went away (`| head`); what is still buffered has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main())
