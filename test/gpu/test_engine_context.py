"""Contexts on foreign streams, foreign memory and in foreign captures, as a GPU pipeline uses them.

Needs what test_tensorrt_backend.py needs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from trt_perception.errors import DeviceError, EngineError
from trt_perception.runtime.captured_work import CapturedWork
from trt_perception.runtime.engine_context import EngineContext
from trt_perception.runtime.gpu import Gpu
from trt_perception.runtime.tensorrt_engine import TensorRtEngine

pytestmark = pytest.mark.gpu

IMAGE = np.random.default_rng(0).uniform(-1, 1, (1, 3, 64, 64)).astype(np.float32)


@pytest.fixture
def gpu(trt: Any) -> Gpu:
    return Gpu()


@pytest.fixture
def engine(trt: Any, gpu: Gpu, small: Any) -> Iterator[TensorRtEngine]:
    loaded = TensorRtEngine(trt, gpu, small.path.read_bytes(), name=small.path.name)
    yield loaded
    loaded.close()


@pytest.fixture
def open_batch(trt: Any, gpu: Gpu, batched: Any) -> Iterator[TensorRtEngine]:
    loaded = TensorRtEngine(trt, gpu, batched.path.read_bytes(), name=batched.path.name)
    yield loaded
    loaded.close()


def read(gpu: Gpu, address: int, shape: tuple[int, ...], stream: Any) -> NDArray[Any]:
    """Float32 values from the device."""
    memory = gpu.allocate_pinned(int(np.prod(shape)) * 4)
    gpu.download(memory, address, stream)
    stream.sync()
    values = gpu.array(memory, shape=shape, dtype=np.dtype(np.float32)).copy()
    gpu.free(memory)
    return values


def run_alone(engine: TensorRtEngine) -> NDArray[Any]:
    """The output for IMAGE by a context with everything of its own."""
    context = EngineContext(engine)
    context.prepare()
    context.gpu.upload(context.inputs[0].address, IMAGE, context.stream)
    context.launch()
    output = context.outputs[0]
    values = read(context.gpu, output.address, output.shape, context.stream)
    context.close()
    return values


def test_tensors_say_shape_type_and_place(engine: TensorRtEngine) -> None:
    context = EngineContext(engine, priority=-1)
    (source,), (output,) = context.inputs, context.outputs
    assert (source.name, source.shape, source.dtype, source.nbytes) == ("images", (1, 3, 64, 64), np.float32, 49152)
    assert (output.name, output.shape, output.dtype) == ("logits", (1, 4, 16, 16), np.float32)
    assert source.address % 256 == output.address % 256 == 0
    assert context.stream.is_nonblocking
    assert context.stream.priority == -1
    context.close()
    context.close()


def test_foreign_memory_stream_and_capture(engine: TensorRtEngine, gpu: Gpu) -> None:
    expected = run_alone(engine)
    stream = gpu.make_stream()
    source, result, copied = gpu.allocate(IMAGE.nbytes), gpu.allocate(expected.nbytes), gpu.allocate(expected.nbytes)
    gpu.upload(source.address, IMAGE, stream)
    addresses = {"images": source.address, "logits": result.address}
    context = EngineContext(engine, stream=stream, addresses=addresses)
    assert {tensor.name: tensor.address for tensor in context.tensors} == addresses
    runtime = pytest.importorskip("cuda.bindings.runtime")

    def work(handle: int) -> None:
        """The engine with something of ours behind it."""
        context.enqueue(handle)
        kind = runtime.cudaMemcpyKind.cudaMemcpyDeviceToDevice
        (status,) = runtime.cudaMemcpyAsync(copied.address, result.address, expected.nbytes, kind, handle)
        assert status == runtime.cudaError_t.cudaSuccess

    captured = CapturedWork(gpu, stream, work)
    assert captured.note == "CUDA graph"
    gpu.fill_with_zeros(copied, stream)
    captured.launch()
    np.testing.assert_array_equal(read(gpu, copied.address, expected.shape, stream), expected)
    captured.close()
    context.close()
    stream.sync()  # still ours
    for memory in (source, result, copied):
        gpu.free(memory)


def test_work_that_cannot_be_captured_runs_without_a_graph_and_says_why(engine: TensorRtEngine, gpu: Gpu) -> None:
    expected = run_alone(engine)
    context = EngineContext(engine)
    gpu.upload(context.inputs[0].address, IMAGE, context.stream)

    def work(handle: int) -> None:
        context.enqueue(handle)
        with gpu.guard("waiting"):
            context.stream.sync()  # what no capture allows

    captured = CapturedWork(gpu, context.stream, work)
    assert not captured.is_graph
    assert captured.note.startswith("no CUDA graph: ")
    assert "CAPTURE" in captured.note.upper()
    captured.launch()
    output = context.outputs[0]
    np.testing.assert_array_equal(read(gpu, output.address, output.shape, context.stream), expected)
    context.prepare()
    assert context.note == "CUDA graph"
    context.close()


def test_tensorrt_says_which_address_is_missing(engine: TensorRtEngine, gpu: Gpu) -> None:
    raw, recorder = engine.make_context(), engine.new_recorder()
    raw.error_recorder = recorder
    stream = gpu.make_stream()
    assert not raw.execute_async_v3(int(stream.handle))
    error = engine.error("refused", recorder)
    assert isinstance(error, DeviceError)
    assert not error.is_sticky
    assert str(error).startswith("engine small.engine: refused: INVALID_ARGUMENT: ")


@pytest.mark.parametrize("batch", [1, 3, 4])
def test_every_batch_of_the_profile_runs(open_batch: TensorRtEngine, batched: Any, batch: int) -> None:
    from helpers.gpu_engine import run_onnxruntime

    values = np.random.default_rng(batch).uniform(-1, 1, (batch, 3, 64, 64)).astype(np.float32)
    context = EngineContext(open_batch, shapes={"images": values.shape})
    context.prepare()
    context.gpu.upload(context.inputs[0].address, values, context.stream)
    context.launch()
    output = context.outputs[0]
    assert output.shape == (batch, 4, 16, 16)
    got = read(context.gpu, output.address, output.shape, context.stream)
    np.testing.assert_allclose(got, run_onnxruntime(batched.model, values), rtol=1e-4, atol=1e-4)
    context.close()


REFUSED = {
    "beyond_the_profile": ({"images": (5, 3, 64, 64)}, r"images 1x3x64x64 to 4x3x64x64.*got images 5x3x64x64"),
    "no_shape": ({}, "'images' has an open size"),
    "unknown_name": ({"picture": (1, 3, 64, 64)}, "expected tensors images, logits, got 'picture'"),
}


@pytest.mark.parametrize(("shapes", "problem"), REFUSED.values(), ids=REFUSED.keys())
def test_shapes_that_do_not_fit_are_refused(open_batch: TensorRtEngine, shapes: Any, problem: str) -> None:
    with pytest.raises(EngineError, match=problem):
        EngineContext(open_batch, shapes=shapes)


def test_a_fixed_engine_takes_its_shape_only(engine: TensorRtEngine) -> None:
    with pytest.raises(EngineError, match=r"must have shape \[1, 3, 64, 64\], got \[2, 3, 64, 64\]"):
        EngineContext(engine, shapes={"images": (2, 3, 64, 64)})
