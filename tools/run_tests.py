"""Runs pytest; what fails over real DDS, and is little, is run once more in a process of its own, and has to pass then.

Fast DDS can lose the port of a process that is opened while the machine is busy (its issue 6117): a participant then
hears nothing for as long as it lives, whoever runs in it. A fault of ours comes again.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
OVER_DDS = ("test/ros/", "test/examples/", "test/launch/")
MOST = 3
"""More failures than that are no accident."""


class Failures:
    """A plugin that notes which tests failed."""

    def __init__(self) -> None:
        self.tests: dict[str, None] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called by pytest for each phase of each test."""
        if report.failed:
            self.tests[report.nodeid] = None


def may_run_again(tests: Sequence[str]) -> bool:
    """Whether all of these failures may be the middleware's."""
    return 0 < len(tests) <= MOST and all(test.startswith(OVER_DDS) for test in tests)


def main(arguments: Sequence[str]) -> int:
    """Run; pytest's exit code, that of the second run where there is one."""
    failures = Failures()
    code = int(pytest.main([*arguments], plugins=[failures]))
    tests = [*failures.tests]
    if code != pytest.ExitCode.TESTS_FAILED or not may_run_again(tests):
        return code
    print(f"once more, since DDS is under them: {' '.join(tests)}", flush=True)
    return subprocess.call([sys.executable, "-m", "pytest", *tests], cwd=ROOT)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))  # as `python -m pytest` does
    sys.exit(main(sys.argv[1:]))
