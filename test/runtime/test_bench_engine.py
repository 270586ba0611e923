"""Figures of `bench`, on a stand-in whose inferences take a millisecond. test/gpu measures real engines."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from helpers.fake_engine import GPU, PLAN, SCRATCH, FakePlan, fake_tensorrt, plan_of, write_fake_engine
from helpers.fake_gpu import FakeDevice
from helpers.model_specs import model_spec

from trt_perception.cli.main import main
from trt_perception.engine.manifest import read_manifest
from trt_perception.engine.signature import make_key_pair, sign_engine
from trt_perception.errors import EngineError, InputError
from trt_perception.model.model_spec import HeadKind
from trt_perception.runtime import bench_engine
from trt_perception.runtime import open_engine as module
from trt_perception.runtime.bench_engine import bench_engines

SPEC = model_spec(HeadKind.SEMANTIC_LOGITS, (1, 3, 4, 4), width=4, height=4, model="/absent/tiny.onnx")
TENSORS = 2 * 4 * 48


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A stand-in with two engines of one plan on its disk."""

    device: FakeDevice
    plan: FakePlan
    engines: list[Path]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    device = FakeDevice()
    plan = plan_of(SPEC, lambda inputs: {"output": inputs["images"]}, device=device)
    plan.tensors.update(images=(True, (-1, 3, 4, 4), "float32"), output=(False, (-1, 3, 4, 4), "float32"))
    plan.profile["images"] = ((1, 3, 4, 4), (8, 3, 4, 4))
    engines = [tmp_path / "fp16.engine", tmp_path / "int8.engine"]
    for engine in engines:
        write_fake_engine(engine, SPEC)
    monkeypatch.setitem(sys.modules, "tensorrt", fake_tensorrt(plan))
    monkeypatch.setattr(module, "current_gpu", lambda device: GPU)
    monkeypatch.setattr(module, "Gpu", device.gpu)
    monkeypatch.setattr(bench_engine, "_WARM_UP_S", 0.001)
    return Machine(device=device, plan=plan, engines=engines)


def test_engines_are_compared_at_every_number_of_streams_and_batch(machine: Machine) -> None:
    result = bench_engines(machine.engines, streams=(1, 3), batches=(1, 8), seconds=0.01)
    assert [(row.engine, row.streams, row.batch) for row in result.rows] == [
        (name, streams, batch) for streams in (1, 3) for batch in (1, 8) for name in ("fp16.engine", "int8.engine")
    ]
    for first, second in zip(result.rows[::2], result.rows[1::2], strict=True):
        assert first.speed == 1.0
        assert second.speed == pytest.approx(second.frames_per_s / first.frames_per_s)
    for row in result.rows:
        assert row.p50_ms == row.p99_ms == 1.0
        assert row.inferences >= 20
        assert row.graph == "CUDA graph"
        assert row.memory_bytes == row.streams * (SCRATCH + row.batch * TENSORS)
    assert result.memory_of_one_context("int8.engine") == SCRATCH + TENSORS
    assert result.engines[0].plan_bytes == len(PLAN)
    assert machine.device.live == 0


def test_with_a_key_every_engine_must_be_signed(machine: Machine, tmp_path: Path) -> None:
    key = make_key_pair(tmp_path / "own")
    sign_engine(machine.engines[0], tmp_path / "own")
    with pytest.raises(EngineError, match=r"int8\.engine: there is no signature"):
        bench_engines(machine.engines, seconds=0.01, public_key=key)
    sign_engine(machine.engines[1], tmp_path / "own")
    assert len(bench_engines(machine.engines, seconds=0.01, public_key=key).rows) == 2
    assert machine.device.live == 0


def test_a_failed_capture_stands_in_the_row(machine: Machine) -> None:
    machine.plan.fails_in_capture = True
    (row,) = bench_engines(machine.engines[:1], seconds=0.01).rows
    assert "a plugin allocates" in row.graph


def test_a_batch_that_does_not_fit_is_said_before_anything_is_measured(machine: Machine) -> None:
    rows: list[Any] = []
    with pytest.raises(EngineError, match=r"to 8x3x4x4\), got images 9x3x4x4"):
        bench_engines(machine.engines, batches=(1, 9), on_row=rows.append)
    machine.plan.tensors.update(images=(True, (1, 3, 4, 4), "float32"), output=(False, (1, 3, 4, 4), "float32"))
    with pytest.raises(EngineError, match="fixed batch of 1, got 2"):
        bench_engines(machine.engines, batches=(1, 2), on_row=rows.append)
    assert rows == []
    assert machine.device.live == 0


WRONG = {
    "no_engine": ({"paths": []}, "expected an engine"),
    "twice": ({"paths": [Path("a/x.engine"), Path("b/x.engine")]}, "different names"),
    "streams": ({"streams": [0]}, "--streams of at least 1, got 0"),
    "batch": ({"batches": []}, "--batch of at least 1, got none"),
    "seconds": ({"seconds": 0.0}, "--seconds above 0, got 0"),
    "no_number": ({"seconds": float("nan")}, "--seconds above 0, got nan"),
}


@pytest.mark.parametrize(("changes", "problem"), WRONG.values(), ids=WRONG.keys())
def test_wrong_arguments_are_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        bench_engines(**{"paths": [Path("x.engine")], **changes})


def test_the_command_prints_writes_and_keeps_the_figures(
    machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "bench.json"
    engines = [str(engine) for engine in machine.engines]
    command = ["bench", *engines, "--streams", "2", "--seconds", "0.01", "--write-card", "--json", str(out)]
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert "TensorRT 8.6.1 on Some GPU (9.0)" in printed
    assert printed.count("CUDA graph") == 2
    plain = json.loads(out.read_text())
    assert plain["schema"] == 1
    latency = read_manifest(machine.engines[1]).latency
    assert latency is not None
    assert latency.rows[0].frames_per_s == plain["rows"][1]["frames_per_s"]
    assert latency.device_memory_mib == pytest.approx((SCRATCH + TENSORS) / 2**20)
    assert "| 2 " in (tmp_path / "int8.engine.md").read_text()
