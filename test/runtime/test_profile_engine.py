"""Profiling an engine: TensorRT and the GPU are stand-ins here; test/gpu runs real ones."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from helpers.built_engine import DEMO_MODEL, SPLIT_ENGINE, demo_account, demo_plan
from helpers.inspected_tensorrt import GPU, fake_tensorrt, write_fake_engine

from trt_perception.engine.engine_account import account_path
from trt_perception.engine.signature import make_key_pair, sign_engine
from trt_perception.errors import DeviceError, EngineError
from trt_perception.model.load_spec import load_spec
from trt_perception.runtime import open_engine as module
from trt_perception.runtime.profile_engine import profile_engine


class FakeGpu:
    """Addresses without memory."""

    allocated: ClassVar[dict[int, int]] = {}

    def __init__(self, index: int) -> None:
        self.allocated.clear()

    def use(self) -> None:
        """There is no other."""

    def is_lost(self) -> bool:
        return False

    def free_bytes(self) -> int:
        return 2**30

    def make_stream(self, *, priority: int | None) -> Any:
        return SimpleNamespace(handle=7, sync=lambda: None, close=lambda: None)

    def allocate(self, nbytes: int) -> Any:
        memory = SimpleNamespace(address=256 * (1 + len(self.allocated)), nbytes=nbytes)
        self.allocated[memory.address] = nbytes
        return memory

    def fill_with_zeros(self, memory: Any, stream: Any) -> None:
        assert memory.address in self.allocated

    def free(self, memory: Any) -> None:
        del self.allocated[memory.address]

    def guard(self, doing: str) -> Any:
        return nullcontext()


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    spec = load_spec(DEMO_MODEL)
    path = tmp_path / "demo.engine"
    write_fake_engine(path, spec, demo_account(tmp_path, demo_plan()))
    monkeypatch.setitem(sys.modules, "tensorrt", fake_tensorrt(spec, SPLIT_ENGINE.read_text()))
    monkeypatch.setattr(module, "current_gpu", lambda device: GPU)
    monkeypatch.setattr(module, "Gpu", FakeGpu)
    return path


def test_times_every_layer_by_region_after_the_warm_up(engine: Path) -> None:
    told: list[tuple[int, int]] = []
    profiled = profile_engine(engine, runs=3, warm_up=2, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert len(profiled.profile.layers) == 107
    assert all(layer.p50_ms == pytest.approx(4e-3) for layer in profiled.profile.layers)
    assert {(row.region, row.precision): row.layers for row in profiled.profile.regions}["head", "fp16"] == 25
    assert profiled.notes == ()
    assert FakeGpu.allocated == {}


def test_with_a_key_only_what_it_signed_is_loaded(engine: Path, tmp_path: Path) -> None:
    key = make_key_pair(tmp_path / "own")
    with pytest.raises(EngineError, match="there is no signature"):
        profile_engine(engine, runs=1, warm_up=0, public_key=key)
    sign_engine(engine, tmp_path / "own")
    assert len(profile_engine(engine, runs=1, warm_up=0, public_key=key).profile.layers) == 107


def test_without_an_account_layers_have_no_region(engine: Path) -> None:
    account_path(engine).unlink()
    profiled = profile_engine(engine, runs=1, warm_up=0)
    assert {layer.region for layer in profiled.profile.layers} == {"none"}
    assert "no account beside the engine" in profiled.notes[0]


def test_what_tensorrt_refuses_is_an_error_and_frees_its_memory(engine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("helpers.inspected_tensorrt.Context.set_tensor_address", lambda *_: True)
    with pytest.raises(DeviceError, match="refuses to run it: INVALID_ARGUMENT: an address is not set"):
        profile_engine(engine, runs=1, warm_up=0)
    assert FakeGpu.allocated == {}


def test_a_damaged_engine_is_not_run(engine: Path) -> None:
    engine.write_bytes(b"something else")
    with pytest.raises(EngineError):
        profile_engine(engine, runs=1, warm_up=0)
