"""Builds that meet, and builds that do not come to their end."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from helpers.build_command import SLOW, BuildCommand, wait_until_gone
from helpers.build_request import RTX, make_request

from trt_perception.engine.engine_request import EngineRequest
from trt_perception.engine.make_engine import make_engine

pytest.importorskip("tensorrt_rtx_bindings", reason="TensorRT-RTX (tensorrt-rtx-cu13-bindings) is absent")

ENGINE_FILES = {"net.engine", "net.engine.json", "net.engine.md", "net.engine.account.json"}


@pytest.fixture
def request_(tmp_path: Path) -> EngineRequest:
    (tmp_path / "model").mkdir()
    return make_request(tmp_path / "model")


def names(request: EngineRequest) -> set[str]:
    return {path.name for path in request.out.parent.iterdir()}


def test_two_that_ask_at_once_make_one_build(request_: EngineRequest, tmp_path: Path) -> None:
    commands = [BuildCommand(request_, tmp_path / name, module=RTX) for name in ("one", "two")]
    codes = [command.process.wait(100.0) for command in commands]
    printed = "".join(command.output for command in commands)
    assert codes == [0, 0], printed
    assert printed.count("net.engine: built in") == 1
    assert printed.count("net.engine: current, nothing was built") == 1


def test_one_that_waits_says_for_whom_and_builds_when_that_one_is_killed(
    request_: EngineRequest, tmp_path: Path
) -> None:
    first = BuildCommand(request_, tmp_path / "first", module=SLOW)
    builder = first.wait_for_builder()
    second = BuildCommand(request_, tmp_path / "second", module=RTX)
    try:
        second.wait_for(f"net.engine: waiting for process {first.process.pid} on")
        first.end(signal.SIGKILL)
        assert second.process.wait(60.0) == 0, second.output
    finally:
        second.process.kill()
    assert "net.engine: built in" in second.output
    wait_until_gone(builder)


def test_what_is_killed_leaves_no_engine_and_no_builder(request_: EngineRequest, tmp_path: Path) -> None:
    command = BuildCommand(request_, tmp_path / "work", module=SLOW)
    builder = command.wait_for_builder()
    assert command.end(signal.SIGKILL) == -signal.SIGKILL
    wait_until_gone(builder)
    assert names(request_) == {"net.onnx", "net.calibration.json", "net.engine.lock"}
    assert make_engine(request_).built


@pytest.mark.parametrize("group", [True, False], ids=["terminal", "command_alone"])
def test_control_c_leaves_no_engine_and_nothing_temporary(group: bool, request_: EngineRequest, tmp_path: Path) -> None:
    command = BuildCommand(request_, tmp_path / "work", module=SLOW)
    builder = command.wait_for_builder()
    assert command.end(signal.SIGINT, group=group) == 130
    assert "trt-perception build: interrupted" in command.output
    assert "Traceback" not in command.output
    wait_until_gone(builder)
    assert not ENGINE_FILES & names(request_)
    assert list(command.temporary.iterdir()) == []
