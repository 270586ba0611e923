"""The command as a whole: help, exit codes, one line for an error."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from trt_perception.cli.main import VERBS, build_parser, main, verb_module
from trt_perception.version import __version__


def test_lists_every_verb_with_a_summary(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    for name in VERBS:
        module = verb_module(name)
        assert name == module.NAME
        assert name in text
        assert module.SUMMARY.split(":")[0].split(",")[0] in " ".join(text.split())


@pytest.mark.parametrize("name", VERBS)
def test_the_help_of_a_verb_shows_an_example_that_parses(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([name, "--help"])
    example = verb_module(name).EXAMPLE
    text = capsys.readouterr().out
    assert example in text
    assert "exit codes" in text
    program, *arguments = example.split()
    assert program == "trt-perception"
    assert build_parser().parse_args(arguments).verb == name


def test_a_verb_loads_no_other_verbs_modules() -> None:
    program = (
        "import sys; from trt_perception.cli.main import main; main(['inspect', 'absent.onnx']); "
        "assert 'trt_perception.cli.inspect' in sys.modules; "
        "assert not {'trt_perception.cli.detect', 'trt_perception.cli.demo', 'cv2'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_an_unknown_verb_is_refused_with_all_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["inspekt", "absent.onnx"])
    assert end.value.code == 2
    text = capsys.readouterr().err
    assert all(name in text for name in VERBS)


def test_prints_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert __version__ in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        pytest.param(["inspect", "absent.onnx"], 2, "absent.onnx", id="absent_model"),
        pytest.param(["detect", "absent.yaml", "."], 2, "absent.yaml", id="absent_spec"),
        pytest.param(["run", "absent.yaml"], 2, "absent.yaml", id="absent_config"),
        pytest.param(["play", "absent"], 2, "absent: no such bag or folder", id="absent_bag"),
        pytest.param(["demo", "--model", "absent.onnx", "--images", "absent"], 2, "absent", id="absent_images"),
    ],
)
def test_an_error_is_one_line_and_an_exit_code(
    arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == code
    error = capsys.readouterr().err
    assert error.startswith(f"trt-perception {arguments[0]}: ")
    assert words in error
    assert error.count("\n") == 1


def test_a_reader_that_goes_away_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m trt_perception.cli.main doctor --json | head -1",
        shell=True,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert "Traceback" not in done.stderr
    assert done.stdout.strip() == "["
