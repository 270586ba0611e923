"""What a launch file runs to have engines built, seen without a launch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from trt_perception.cli.main import build_parser
from trt_perception.settings.build_command import build_command


def test_it_is_the_verb_with_the_config(tmp_path: Path) -> None:
    python, _, module, *arguments = build_command(tmp_path / "perception.yaml")
    parsed = build_parser().parse_args(arguments)
    assert (python, module) == (sys.executable, "trt_perception.cli.main")
    assert (parsed.verb, parsed.config, parsed.model) == ("build", tmp_path / "perception.yaml", None)


def test_it_runs_and_fails_with_one_line(tmp_path: Path) -> None:
    done = subprocess.run(build_command(tmp_path / "absent.yaml"), capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr == f"trt-perception build: {tmp_path / 'absent.yaml'}: no such file; check the path\n"
