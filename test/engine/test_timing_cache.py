"""What becomes of a timing cache's file, with a TensorRT that takes it or does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.demo_network_onnx import make_demo_network_onnx
from helpers.fake_tensorrt import FakeTensorRt
from helpers.quantized_graph import quantized

from trt_perception.engine.build_plan import BuiltPlan, build_plan
from trt_perception.engine.engine_options import EngineOptions
from trt_perception.errors import ModelError
from trt_perception.precision.account import Account
from trt_perception.precision.precision_plan import PrecisionPlan
from trt_perception.precision.quantize import Emitter


@pytest.fixture
def graph(tmp_path: Path) -> tuple[Path, Account]:
    model = make_demo_network_onnx(tmp_path / "model.onnx")
    return quantized(model, PrecisionPlan(), tmp_path, emitter=Emitter.FLAGS)


def build(trt: FakeTensorRt, graph: tuple[Path, Account], cache: Path) -> BuiltPlan:
    return build_plan(trt, *graph, EngineOptions(timing_cache=str(cache)))


def test_is_made_and_then_taken_and_grows(graph: tuple[Path, Account], tmp_path: Path) -> None:
    cache = tmp_path / "timing.cache"
    first, second = (build(FakeTensorRt(8), graph, cache) for _ in range(2))
    assert (first.timing_cache, second.timing_cache) == ("made", "accepted")
    assert cache.read_bytes() == b"measured;measured;"
    assert second.messages == ()


def test_is_made_anew_where_tensorrt_refuses_it(graph: tuple[Path, Account], tmp_path: Path) -> None:
    cache = tmp_path / "timing.cache"
    cache.write_bytes(b"of another GPU;")
    built = build(FakeTensorRt(8, takes_cache=False), graph, cache)
    assert built.timing_cache == "refused"
    assert any("timing.cache: TensorRT does not take it" in text for text in built.messages)
    assert cache.read_bytes() == b"measured;"


def test_stays_where_tensorrt_drops_it_only_while_building(graph: tuple[Path, Account], tmp_path: Path) -> None:
    cache = tmp_path / "timing.cache"
    cache.write_bytes(b"good;")
    trt = FakeTensorRt(8, says=(("ERROR", "4: The timing cache will not be used!"),))
    built = build(trt, graph, cache)
    assert built.timing_cache == "refused"
    assert any("TensorRT did not use it in this build" in text for text in built.messages)
    assert cache.read_bytes() == b"good;"


def test_stays_as_it_was_where_the_build_fails(graph: tuple[Path, Account], tmp_path: Path) -> None:
    cache = tmp_path / "timing.cache"
    cache.write_bytes(b"good;")
    with pytest.raises(ModelError):
        build(FakeTensorRt(8, plan=None), graph, cache)
    assert cache.read_bytes() == b"good;"


def test_one_that_cannot_be_read_or_written_costs_time_only(graph: tuple[Path, Account], tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    built = build(FakeTensorRt(8), graph, folder)
    assert (built.timing_cache, built.plan) == ("refused", b"plan")
    assert [text.partition("folder: ")[2][:18] for text in built.messages] == [
        "cannot be read: Is",
        "cannot be written:",
    ]
    assert list(folder.iterdir()) == []
