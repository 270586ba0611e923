"""Builds in a child process, with TensorRT-RTX: what comes back, and what stays behind when something dies."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers.demo_network_onnx import make_demo_network_onnx
from helpers.quantized_graph import quantized

from trt_perception.engine.build_process import build_in_child
from trt_perception.engine.engine_options import EngineOptions
from trt_perception.errors import ConfigError, DeviceError, MissingError, ModelError
from trt_perception.precision.account import Account
from trt_perception.precision.precision_plan import PrecisionPlan

MODULE = "tensorrt_rtx_bindings"
OPTIONS = EngineOptions(ahead_of_time="SM89")
ROOT = Path(__file__).resolve().parents[2]
Graph = tuple[Path, Account]


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    pytest.importorskip(MODULE, reason="TensorRT-RTX (tensorrt-rtx-cu13-bindings) is absent")
    folder = tmp_path_factory.mktemp("graph")
    return quantized(make_demo_network_onnx(folder / "model.onnx"), PrecisionPlan(), folder)


def children() -> list[int]:
    """Processes that this one has started and that are still there, zombies too."""
    return [int(pid) for path in Path("/proc/self/task").glob("*/children") for pid in path.read_text().split()]


def is_gone(pid: int) -> bool:
    """Whether a process has ended; a zombie that its new parent has yet to fetch counts as ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def wait_until(holds: Callable[[], bool], *, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_gives_the_plan_and_reports_progress(graph: Graph) -> None:
    seen: list[tuple[str, int, int]] = []
    before = children()
    built = build_in_child(MODULE, *graph, OPTIONS, progress=lambda *step: seen.append(step))
    assert len(built.plan) > 10**4
    assert built.seconds > 0
    assert built.timing_cache == "none"
    assert seen[0] == ("Building engine", 0, seen[0][2])
    assert all(0 <= step <= steps for _, step, steps in seen)
    assert children() == before


def test_the_childs_errors_are_raised_here(graph: Graph, tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"\x08\x08 no graph")
    with pytest.raises(
        ModelError, match=r"broken\.onnx: TensorRT does not parse it.*copy or export it again"
    ) as caught:
        build_in_child(MODULE, broken, graph[1], OPTIONS)
    assert caught.value.model == "broken.onnx"
    with pytest.raises(ConfigError, match=r"ahead_of_time: .*got 'SM1'"):
        build_in_child(MODULE, *graph, EngineOptions(ahead_of_time="SM1"))
    with pytest.raises(MissingError, match=r"no_such_tensorrt cannot be imported.*pip install"):
        build_in_child("no_such_tensorrt", *graph, OPTIONS)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV], ids=lambda number: number.name)
def test_a_child_that_dies_is_an_error_that_names_the_signal(number: signal.Signals, graph: Graph) -> None:
    before = set(children())

    def kill(phase: str, step: int, steps: int) -> None:
        for pid in set(children()) - before:
            os.kill(pid, number)

    with pytest.raises(DeviceError, match=rf"model\.onnx: the process that built .* was ended by {number.name}"):
        build_in_child(MODULE, *graph, OPTIONS, progress=kill)
    assert set(children()) == before


def test_a_child_that_fails_in_another_way_says_why(
    graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "odd_tensorrt.py").write_text("raise ValueError('odd module')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(DeviceError, match=r"ended with exit code 1: .*ValueError: odd module"):
        build_in_child("odd_tensorrt", *graph, OPTIONS)


def test_ctrl_c_here_ends_the_build_there(graph: Graph) -> None:
    before = children()

    def interrupt(phase: str, step: int, steps: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_in_child(MODULE, *graph, OPTIONS, progress=interrupt)
    assert children() == before


PARENT = """
import signal, sys
from pathlib import Path
from trt_perception.engine.build_process import build_in_child
from trt_perception.engine.engine_options import EngineOptions
from trt_perception.precision.read_account import read_account

signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs the tests may have switched it off
graph = Path(sys.argv[1])
build_in_child("silent_tensorrt", graph, read_account(graph.with_suffix(".account.json")), EngineOptions())
"""
# As TensorRT 8.6 is for minutes: no progress, no word, nothing that would find its pipe closed.
SILENT = """
import os, time
from pathlib import Path
Path(os.environ["STARTED"]).touch()
time.sleep(100)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_nothing_stays_of_a_build_whose_parent_is_ended(number: signal.Signals, graph: Graph, tmp_path: Path) -> None:
    started, modules, temporary = tmp_path / "started", tmp_path / "modules", tmp_path / "temporary"
    for folder in (modules, temporary):
        folder.mkdir()
    (modules / "silent_tensorrt.py").write_text(SILENT)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(modules))),
        "TMPDIR": str(temporary),
        "STARTED": str(started),
    }
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(graph[0])], env=environment, stderr=subprocess.PIPE
    ) as parent:
        wait_until(started.exists)
        (child,) = map(int, Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split())
        parent.send_signal(number)
        parent.communicate(timeout=20)
    wait_until(lambda: is_gone(child))
    assert list(temporary.iterdir()) == []


def test_a_damaged_timing_cache_is_refused_said_and_replaced(graph: Graph, tmp_path: Path) -> None:
    path = tmp_path / "timing.cache"
    options = EngineOptions(ahead_of_time="SM89", timing_cache=str(path))
    assert build_in_child(MODULE, *graph, options).timing_cache == "made"
    made = path.read_bytes()
    path.write_bytes(b"damaged" * 100)
    built = build_in_child(MODULE, *graph, options)
    assert built.timing_cache == "refused"
    assert any(f"timing cache {path}: TensorRT does not take it" in text for text in built.messages)
    assert path.read_bytes()[:4] == made[:4]
    assert [item.name for item in tmp_path.iterdir()] == ["timing.cache"]


def test_a_full_disk_costs_the_timing_cache_and_not_the_plan(graph: Graph, tmp_path: Path) -> None:
    options = EngineOptions(ahead_of_time="SM89", timing_cache=str(tmp_path / "timing.cache"))
    with files_of_at_most(16):
        built = build_in_child(MODULE, *graph, options)
    assert len(built.plan) > 10**4
    assert any("timing.cache: cannot be written: File too large" in text for text in built.messages)
    assert list(tmp_path.iterdir()) == []


@contextlib.contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """For this process and the children that it starts: a write beyond this size fails, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
