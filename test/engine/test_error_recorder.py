"""TensorRT's errors, as its runtime reports them; TensorRT-RTX has one on a CPU, which refuses every plan."""

from __future__ import annotations

from typing import Any

import pytest

from trt_perception.engine.build_messages import BuildMessages, make_logger
from trt_perception.engine.error_recorder import make_error_recorder


@pytest.fixture(scope="module")
def trt() -> Any:
    return pytest.importorskip("tensorrt_rtx_bindings", reason="TensorRT-RTX (tensorrt-rtx-cu13-bindings) is absent")


def test_collects_what_tensorrt_reports(trt: Any) -> None:
    recorder = make_error_recorder(trt)
    builder = trt.Builder(make_logger(trt, BuildMessages()))
    builder.error_recorder = recorder
    network = builder.create_network()
    tensor = network.add_input("x", trt.DataType.FLOAT, (-1, 3))
    network.mark_output(network.add_identity(tensor).get_output(0))
    assert recorder.texts() == ()
    assert builder.build_serialized_network(network, builder.create_builder_config()) is None
    assert any("optimization profile" in text for text in recorder.texts())
    assert all(text.split(":")[0] in trt.ErrorCodeTRT.__members__ for text in recorder.texts())
    recorder.clear()
    assert recorder.texts() == ()


def test_keeps_the_first_of_very_many(trt: Any) -> None:
    recorder = make_error_recorder(trt)
    for number in range(100):
        recorder.report_error(trt.ErrorCodeTRT.INVALID_ARGUMENT, f" {number}\n")
    assert recorder.texts()[:2] == ("INVALID_ARGUMENT: 0", "INVALID_ARGUMENT: 1")
    assert len(recorder.texts()) == recorder.num_errors() < 100
    assert recorder.has_overflowed()
    assert recorder.get_error_code(1) == trt.ErrorCodeTRT.INVALID_ARGUMENT
    assert recorder.get_error_desc(1) == "1"
    recorder.clear()
    assert not recorder.has_overflowed()
