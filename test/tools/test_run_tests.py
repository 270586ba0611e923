"""Which failures are run once more, and what comes of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools.run_tests import MOST, ROOT, may_run_again

FLAKY = """\
from pathlib import Path

def test_passes_the_second_time():
    mark = Path(__file__).with_name("mark")
    was_here = mark.exists()
    mark.touch()
    assert was_here
"""


def run(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The program in a tree of its own."""
    (tree / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    (tree / "tools").mkdir()
    program = tree / "tools" / "run_tests.py"
    program.write_text((ROOT / "tools" / "run_tests.py").read_text())
    command = [sys.executable, str(program), "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, timeout=60)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_failure_over_dds_is_run_once_more_and_may_pass(tmp_path: Path) -> None:
    write(tmp_path / "test" / "ros" / "test_flaky.py", FLAKY)
    done = run(tmp_path, "test")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "once more, since DDS is under them: test/ros/test_flaky.py::test_passes_the_second_time" in done.stdout
    assert "1 failed" in done.stdout
    assert "1 passed" in done.stdout


def test_one_that_fails_again_fails(tmp_path: Path) -> None:
    write(tmp_path / "test" / "ros" / "test_wrong.py", "def test_wrong():\n    assert False\n")
    done = run(tmp_path, "test")
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert done.stdout.count("1 failed") == 2


def test_any_other_failure_is_final(tmp_path: Path) -> None:
    write(tmp_path / "test" / "decode" / "test_flaky.py", FLAKY)
    write(tmp_path / "test" / "ros" / "test_flaky_too.py", FLAKY.replace('"mark"', '"mark_too"'))
    done = run(tmp_path, "test")
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "once more" not in done.stdout


@pytest.mark.parametrize(
    ("tests", "again"),
    [
        ([], False),
        (["test/ros/test_a.py::test_a"] * MOST, True),
        (["test/ros/test_a.py::test_a"] * (MOST + 1), False),
        (["test/examples/test_a.py::test_a", "test/launch/test_b.py::test_b"], True),
        (["test/ros/test_a.py::test_a", "test/decode/test_b.py::test_b"], False),
        (["test/rosy/test_a.py::test_a"], False),
    ],
    ids=["none", "few", "many", "other_folders", "one_elsewhere", "another_folder"],
)
def test_only_few_failures_and_all_over_dds_are_run_again(tests: list[str], again: bool) -> None:
    assert may_run_again(tests) is again


def test_nothing_to_run_is_told_as_pytest_tells_it(tmp_path: Path) -> None:
    assert run(tmp_path, "-k", "nothing").returncode == pytest.ExitCode.NO_TESTS_COLLECTED
