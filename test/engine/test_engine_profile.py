"""Times of layers, summed up, drawn and traced."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trt_perception.engine.chrome_trace import chrome_trace
from trt_perception.engine.engine_layer import EngineLayer, EngineTensor
from trt_perception.engine.engine_profile import summarize_runs
from trt_perception.engine.layer_recorder import make_layer_recorder
from trt_perception.errors import DeviceError

INT8 = EngineTensor(name="x", shape=(1,), precision="int8", format="Int8")
LAYERS = (
    EngineLayer(name="conv", kind="CaskConvolution", nodes=("conv",), inputs=(INT8,), weights="int8"),
    EngineLayer(name="copy", kind="Reformat", inputs=(INT8,), origin="REFORMAT"),
)
REGIONS = ("backbone", "neck")
RUNS = [{"conv": 2.0, "copy": 1.0}, {"conv": 4.0, "copy": 1.0}, {"conv": 9.0, "copy": 4.0}]


def test_medians_shares_and_regions() -> None:
    profile = summarize_runs(RUNS, LAYERS, REGIONS)
    assert (profile.runs, profile.p50_ms) == (3, 5.0)
    conv, copy = profile.layers
    assert (conv.region, conv.precision, conv.p50_ms, conv.share) == ("backbone", "int8", 4.0, 0.8)
    assert (copy.region, copy.precision, copy.p50_ms, copy.share) == ("neck", "copy", 1.0, 0.2)
    assert [(row.region, row.precision, row.layers) for row in profile.regions] == [
        ("backbone", "int8", 1),
        ("neck", "copy", 1),
    ]


@given(
    st.lists(
        st.fixed_dictionaries({"a": st.floats(0, 1e3), "b": st.floats(0, 1e3), "c": st.floats(0, 1e3)}), min_size=1
    )
)
def test_agrees_with_numpy_and_sums_to_one(runs: list[dict[str, float]]) -> None:
    profile = summarize_runs(runs)
    for layer in profile.layers:
        times = [run[layer.layer] for run in runs]
        assert layer.p50_ms == pytest.approx(float(np.median(times)))
        assert layer.p99_ms == pytest.approx(float(np.percentile(times, 99)))
    if any(layer.p50_ms for layer in profile.layers):
        assert sum(layer.share for layer in profile.layers) == pytest.approx(1.0)
        assert sum(row.share for row in profile.regions) == pytest.approx(1.0)
    hottest = profile.hottest(2)
    assert len(hottest) == 2
    assert min(layer.p50_ms for layer in hottest) >= min(layer.p50_ms for layer in profile.layers)


def test_a_layer_that_the_inspector_does_not_know_is_kept() -> None:
    layer = summarize_runs([{"made by myelin": 1.0}], LAYERS, REGIONS).layers[0]
    assert (layer.region, layer.precision, layer.kind) == ("none", "unknown", "unknown")


@pytest.mark.parametrize("runs", [[], [{}, {}]], ids=["no_runs", "empty_runs"])
def test_no_times_are_an_error(runs: list[dict[str, float]]) -> None:
    with pytest.raises(DeviceError, match="no layer times"):
        summarize_runs(runs)


def test_records_runs_and_forgets_the_warm_up() -> None:
    recorder = make_layer_recorder(SimpleNamespace(IProfiler=type("IProfiler", (), {"__init__": lambda self: None})))
    recorder.report_layer_time("conv", 100.0)
    for milliseconds in (1.0, 2.0):
        recorder.begin_run()
        recorder.report_layer_time("conv", milliseconds)
        recorder.report_layer_time("loop", 0.5)
        recorder.report_layer_time("loop", 0.5)
    assert recorder.runs() == ({"conv": 1.0, "loop": 1.0}, {"conv": 2.0, "loop": 1.0})


def test_the_trace_has_a_row_of_medians_and_one_of_the_slowest_run() -> None:
    trace = json.loads(json.dumps(chrome_trace(summarize_runs(RUNS, LAYERS, REGIONS), RUNS, title="a.engine")))
    names = {event["args"]["name"] for event in trace["traceEvents"] if event["ph"] == "M"}
    assert names == {"a.engine", "median of 3 runs", "slowest run"}
    events = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    assert [(event["tid"], event["name"], event["ts"], event["dur"]) for event in events] == [
        (1, "conv", 0.0, 4000.0),
        (1, "copy", 4000.0, 1000.0),
        (2, "conv", 0.0, 9000.0),
        (2, "copy", 9000.0, 4000.0),
    ]
    assert events[0]["cat"] == "backbone,int8"
