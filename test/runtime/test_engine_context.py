"""Contexts with streams, memory and captures of others, on stand-ins that compute on the host."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers.fake_engine import PLAN, FakePlan, fake_tensorrt, plan_of
from helpers.fake_gpu import FakeDevice, FakeGpu
from helpers.model_specs import model_spec
from numpy.typing import NDArray

from trt_perception.errors import DeviceError, EngineError
from trt_perception.model.model_spec import HeadKind
from trt_perception.runtime.captured_work import CapturedWork
from trt_perception.runtime.engine_context import EngineContext
from trt_perception.runtime.tensorrt_engine import TensorRtEngine

SPEC = model_spec(HeadKind.SEMANTIC_LOGITS, (1, 3, 4, 4), width=4, height=4)
IMAGE = np.arange(48, dtype=np.float32).reshape(1, 3, 4, 4)


@pytest.fixture
def plan() -> FakePlan:
    return plan_of(SPEC, lambda inputs: {"output": inputs["images"] + 1}, device=FakeDevice())


@pytest.fixture
def gpu(plan: FakePlan) -> FakeGpu:
    return plan.device.gpu()


def load(plan: FakePlan, gpu: FakeGpu) -> TensorRtEngine:
    return TensorRtEngine(fake_tensorrt(plan), gpu, PLAN, name="tiny.engine")


def read(gpu: FakeGpu, address: int) -> NDArray[Any]:
    memory = gpu.allocate_pinned(IMAGE.nbytes)
    gpu.download(memory, address, None)
    values = gpu.array(memory, shape=IMAGE.shape, dtype=IMAGE.dtype).copy()
    gpu.free(memory)
    return values


def test_own_memory_begins_as_zeros_and_ends_with_the_context(plan: FakePlan, gpu: FakeGpu) -> None:
    context = EngineContext(load(plan, gpu), priority=-3)
    (source,), (output,) = context.inputs, context.outputs
    assert (source.shape, source.dtype, source.nbytes) == (IMAGE.shape, IMAGE.dtype, IMAGE.nbytes)
    assert not read(gpu, source.address).any()
    assert context.stream.priority == -3
    assert context.note == "no CUDA graph: not prepared"
    with pytest.raises(DeviceError, match="call prepare first"):
        context.launch()
    context.prepare()
    assert context.is_graph
    gpu.upload(source.address, IMAGE, context.stream)
    context.launch()
    np.testing.assert_array_equal(read(gpu, output.address), IMAGE + 1)
    context.close()
    context.close()
    assert plan.device.live == 0


def test_memory_and_stream_of_others_stay_theirs(plan: FakePlan, gpu: FakeGpu) -> None:
    stream = gpu.make_stream()
    source, result = gpu.allocate(IMAGE.nbytes), gpu.allocate(IMAGE.nbytes)
    addresses = {"images": source.address, "output": result.address}
    context = EngineContext(load(plan, gpu), stream=stream, addresses=addresses)
    assert {tensor.name: tensor.address for tensor in context.tensors} == addresses
    gpu.upload(source.address, IMAGE, stream)
    context.enqueue()
    np.testing.assert_array_equal(read(gpu, result.address), IMAGE + 1)
    context.close()
    assert not stream.is_closed
    assert set(plan.device.blocks) == set(addresses.values())


def test_an_enqueue_can_be_part_of_somebody_elses_graph(plan: FakePlan, gpu: FakeGpu) -> None:
    stream = gpu.make_stream()
    context = EngineContext(load(plan, gpu), stream=stream)
    after: list[str] = []

    def work(handle: int) -> None:
        context.enqueue(handle)
        plan.device.enqueue(handle, lambda: after.append("decoded"))

    captured = CapturedWork(gpu, stream, work)
    assert captured.note == "CUDA graph"
    assert after == ["decoded"]  # the first run only: a capture runs nothing
    gpu.upload(context.inputs[0].address, IMAGE, stream)
    captured.launch()
    assert after == ["decoded"] * 2
    np.testing.assert_array_equal(read(gpu, context.outputs[0].address), IMAGE + 1)
    captured.close()
    captured.close()
    context.close()


def test_work_that_waits_is_repeated_without_a_graph(gpu: FakeGpu) -> None:
    stream, ran = gpu.make_stream(), []

    def work(handle: int) -> None:
        gpu.device.enqueue(handle, lambda: ran.append(handle))
        stream.sync()

    captured = CapturedWork(gpu, stream, work)
    assert captured.note == "no CUDA graph: CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED"
    assert len(ran) == 1
    captured.launch()
    assert ran == [stream.handle] * 2


def test_work_that_fails_at_once_is_an_error(gpu: FakeGpu) -> None:
    def work(handle: int) -> None:
        raise DeviceError("broken")

    with pytest.raises(DeviceError, match="broken"):
        CapturedWork(gpu, gpu.make_stream(), work)


REFUSED = {
    "another_shape": ({"shapes": {"images": (2, 3, 4, 4)}}, r"must have shape \[1, 3, 4, 4\], got \[2, 3, 4, 4\]"),
    "shape_of_nothing": ({"shapes": {"picture": (1,)}}, "expected tensors images, output, got 'picture'"),
    "address_of_nothing": ({"addresses": {"boxes": 256}}, "expected tensors images, output, got 'boxes'"),
}


@pytest.mark.parametrize(("given", "problem"), REFUSED.values(), ids=REFUSED.keys())
def test_what_the_engine_does_not_have_is_refused_and_leaves_nothing(
    plan: FakePlan, gpu: FakeGpu, given: dict[str, Any], problem: str
) -> None:
    engine = load(plan, gpu)
    with pytest.raises(EngineError, match=problem):
        EngineContext(engine, **given)
    assert plan.device.live == 0
    assert all(stream.is_closed for stream in plan.device.streams.values())


@pytest.mark.parametrize("method", ["set_optimization_profile_async", "set_input_shape"])
def test_open_sizes_that_tensorrt_refuses(plan: FakePlan, gpu: FakeGpu, method: str) -> None:
    plan.tensors.update(images=(True, (-1, 3, 4, 4), "float32"), output=(False, (-1, 3, 4, 4), "float32"))
    plan.profile["images"] = ((1, 3, 4, 4), (4, 3, 4, 4))
    engine = load(plan, gpu)
    with pytest.raises(EngineError, match="'images' has an open size"):
        EngineContext(engine)
    plan.refuses = (method, "why")
    with pytest.raises(DeviceError, match=r"engine tiny\.engine: TensorRT refuses .*: INVALID_ARGUMENT: why"):
        EngineContext(engine, shapes={"images": (2, 3, 4, 4)})
    plan.refuses = ("", "")
    context = EngineContext(engine, shapes={"images": (2, 3, 4, 4)})
    assert context.outputs[0].shape == (2, 3, 4, 4)
    context.close()
    assert plan.device.live == 0
