"""The backend around engines; TensorRT and the GPU are stand-ins that compute on the host. test/gpu runs real ones."""

from __future__ import annotations

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.fake_engine import GPU, PLAN, SCRATCH, FakePlan, fake_tensorrt, plan_of, write_fake_engine
from helpers.fake_gpu import FakeDevice
from helpers.model_specs import model_spec

from trt_perception.engine.engine_options import EngineOptions
from trt_perception.errors import DeviceError, EngineError, InputError, MissingError
from trt_perception.model.model_spec import HeadKind, ModelSpec, OutputSpec, TensorType
from trt_perception.runtime import open_engine as module
from trt_perception.runtime.tensorrt_backend import TensorRtBackend

SPEC = model_spec(HeadKind.SEMANTIC_LOGITS, (1, 3, 4, 4), width=4, height=4, model="/absent/tiny.onnx")


def double(inputs: Any) -> Any:
    return {"output": 2 * inputs["images"]}


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A stand-in with one engine on its disk."""

    device: FakeDevice
    plan: FakePlan
    engine: Path

    def backend(self, spec: ModelSpec = SPEC, **options: Any) -> TensorRtBackend:
        return TensorRtBackend(spec, engine=self.engine, **options)


@pytest.fixture(params=[8, 10], ids=["tensorrt_8", "tensorrt_10"])
def machine(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    device = FakeDevice()
    plan = plan_of(SPEC, double, device=device, generation=request.param)
    engine = tmp_path / "tiny.engine"
    write_fake_engine(engine, SPEC)
    monkeypatch.setitem(sys.modules, "tensorrt", fake_tensorrt(plan))
    monkeypatch.setattr(module, "current_gpu", lambda device: GPU)
    monkeypatch.setattr(module, "Gpu", device.gpu)
    return Machine(device=device, plan=plan, engine=engine)


def image(value: float = 1.0) -> dict[str, Any]:
    return {"images": np.full((1, 3, 4, 4), value, np.float32)}


def test_arrays_go_in_and_come_out_and_belong_to_the_caller(machine: Machine) -> None:
    with machine.backend(contexts=1) as backend:
        first = backend.infer(image(3.0))["output"]
        second = backend.infer(image(5.0))["output"]
    np.testing.assert_array_equal(first, np.full((1, 3, 4, 4), 6.0, np.float32))
    np.testing.assert_array_equal(second, np.full((1, 3, 4, 4), 10.0, np.float32))
    assert first.flags.writeable


def test_a_strided_input_is_taken(machine: Machine) -> None:
    values = np.arange(48, dtype=np.float32).reshape(1, 4, 4, 3).transpose(0, 3, 1, 2)
    with machine.backend() as backend:
        np.testing.assert_array_equal(backend.infer({"images": values})["output"], 2 * values)


def test_frames_allocate_nothing_and_close_frees_everything(machine: Machine) -> None:
    backend = machine.backend(contexts=3)
    backend.open()
    before = machine.device.allocations
    for _ in range(5):
        backend.infer(image())
    assert machine.device.allocations == before
    backend.close()
    backend.close()
    assert machine.device.live == 0
    assert all(stream.is_closed for stream in machine.device.streams.values())
    with backend:
        assert "output" in backend.infer(image())


def test_launches_are_those_of_graphs_and_the_name_says_so(machine: Machine) -> None:
    with machine.backend(contexts=1) as backend:
        enqueued = machine.plan.enqueues
        backend.infer(image())
        assert machine.plan.enqueues == enqueued  # the graph repeats what was captured
        assert backend.name == "TensorRT 8.6.1 (Some GPU, contexts: 1, CUDA graph)"


@pytest.mark.parametrize(
    ("fails", "graph", "note"),
    [
        (True, True, "no CUDA graph: engine {engine}: TensorRT refuses to run it: CAPTURE: a plugin allocates"),
        (False, False, "no CUDA graph: switched off"),
    ],
    ids=["capture_fails", "switched_off"],
)
def test_without_a_graph_it_runs_all_the_same(machine: Machine, fails: bool, graph: bool, note: str) -> None:
    machine.plan.fails_in_capture = fails
    with machine.backend(contexts=1, graph=graph) as backend:
        assert backend.graph_note == note.format(engine=machine.engine)
        assert backend.graph_note in backend.name
        enqueued = machine.plan.enqueues
        assert backend.infer(image(4.0))["output"].max() == 8.0
        assert machine.plan.enqueues == enqueued + 1


def test_as_many_threads_infer_at_once_as_there_are_contexts(machine: Machine) -> None:
    lock, counts = threading.Lock(), {"now": 0, "most": 0}

    def slowly(inputs: Any) -> Any:
        with lock:
            counts["now"] += 1
            counts["most"] = max(counts["most"], counts["now"])
        time.sleep(0.02)
        with lock:
            counts["now"] -= 1
        return double(inputs)

    machine.plan.handler = slowly
    with machine.backend(contexts=2) as backend, ThreadPoolExecutor(6) as threads:
        outputs = list(threads.map(lambda value: backend.infer(image(value))["output"].max(), range(12)))
    assert outputs == [2 * value for value in range(12)]
    assert counts["most"] == 2


def test_close_waits_for_an_inference_and_later_ones_are_refused(machine: Machine) -> None:
    started, go_on = threading.Event(), threading.Event()

    def wait(inputs: Any) -> Any:
        started.set()
        go_on.wait(10)
        return double(inputs)

    backend = machine.backend(contexts=1)
    backend.open()
    machine.plan.handler = wait
    with ThreadPoolExecutor(3) as threads:
        running = threads.submit(backend.infer, image())
        assert started.wait(10)
        waiting = threads.submit(backend.infer, image())
        closing = threads.submit(backend.close)
        time.sleep(0.05)
        assert not closing.done()
        go_on.set()
        assert running.result(10)["output"].max() == 2.0
        closing.result(10)
        refusal = waiting.exception(10)  # it came before the close, and may have been served
        assert refusal is None or "after close" in str(refusal)
    with pytest.raises(DeviceError, match="before open or after close"):
        backend.infer(image())
    assert machine.device.live == 0


def test_int64_outputs_that_tensorrt_8_narrowed_are_widened(machine: Machine) -> None:
    spec = replace(SPEC, outputs=(OutputSpec(name="output", shape=(1, 3, 4, 4), dtype=TensorType.INT64),))
    write_fake_engine(machine.engine, spec)
    machine.plan.tensors["output"] = (False, (1, 3, 4, 4), "int32")
    with machine.backend(spec) as backend:
        output = backend.infer(image(7.0))["output"]
    assert output.dtype == np.int64
    assert output.max() == 14


def test_outputs_that_the_spec_leaves_out_stay_on_the_device(machine: Machine) -> None:
    machine.plan.tensors["features"] = (False, (1, 64), "float16")
    with machine.backend() as backend:
        assert list(backend.infer(image())) == ["output"]


def test_the_spec_chooses_the_size_of_an_open_batch(machine: Machine) -> None:
    source = replace(SPEC.inputs[0], shape=(2, 3, 4, 4))
    spec = replace(SPEC, inputs=(source,), outputs=(OutputSpec(name="output", shape=(2, 3, 4, 4)),))
    write_fake_engine(machine.engine, spec)
    machine.plan.tensors.update(images=(True, (-1, 3, 4, 4), "float32"), output=(False, (-1, 3, 4, 4), "float32"))
    machine.plan.profile["images"] = ((1, 3, 4, 4), (4, 3, 4, 4))
    with machine.backend(spec) as backend:
        assert backend.infer({"images": np.ones((2, 3, 4, 4), np.float32)})["output"].shape == (2, 3, 4, 4)
    machine.plan.profile["images"] = ((1, 3, 4, 4), (1, 3, 4, 4))
    with pytest.raises(EngineError, match=r"profiles \(images 1x3x4x4 to 1x3x4x4\), got images 2x3x4x4"):
        machine.backend(spec).open()
    assert machine.device.live == 0


CHANGED = {
    "input_name": ({"picture": (True, (1, 3, 4, 4), "float32")}, "images", "expected images, got picture"),
    "input_shape": ({"images": (True, (1, 3, 8, 8), "float32")}, "", r"float32 \[1, 3, 4, 4\], got float32 \[1, 3, 8"),
    "input_dtype": ({"images": (True, (1, 3, 4, 4), "float16")}, "", "expected float32 .*, got float16"),
    "second_input": ({"ir": (True, (1, 1, 4, 4), "float32")}, "", "expected images, got images, ir"),
    "output_name": ({"boxes": (False, (1, 3, 4, 4), "float32")}, "output", "expected output, got boxes"),
    "output_shape": ({"output": (False, (1, 3, 4, 5), "float32")}, "", r"got float32 \[1, 3, 4, 5\]"),
    "output_dtype": ({"output": (False, (1, 3, 4, 4), "int32")}, "", "expected float32 .*, got int32"),
    "no_numpy_type": ({"features": (False, (1, 3), "bfloat16")}, "", "bfloat16, which NumPy does not have"),
    "open_output": ({"features": (False, (-1, 3), "int8")}, "", r"'features' must be known beforehand, got \[-1, 3\]"),
}


@pytest.mark.parametrize(("tensors", "removed", "problem"), CHANGED.values(), ids=CHANGED.keys())
def test_an_engine_that_is_not_what_the_spec_says_is_refused(
    machine: Machine, tensors: dict[str, Any], removed: str, problem: str
) -> None:
    machine.plan.tensors.pop(removed, None)
    machine.plan.tensors.update(tensors)
    with pytest.raises(EngineError, match=problem):
        machine.backend().open()
    assert machine.device.live == 0


def test_tensors_that_are_no_plain_arrays_are_refused(machine: Machine) -> None:
    machine.plan.layout = "CHW4"
    with pytest.raises(EngineError, match="'images' must be LINEAR, got CHW4"):
        machine.backend().open()


REFUSALS = {
    "context": ("create_execution_context", DeviceError, "FAILED_ALLOCATION: why"),
    "address": ("set_tensor_address", DeviceError, "refuses the address of 'images': INVALID_ARGUMENT: why"),
    "run": ("execute_async_v3", DeviceError, "refuses to run it: INVALID_ARGUMENT: why"),
}


@pytest.mark.parametrize(("method", "error", "problem"), REFUSALS.values(), ids=REFUSALS.keys())
def test_what_tensorrt_refuses_names_the_engine_and_says_why(
    machine: Machine, method: str, error: type[Exception], problem: str
) -> None:
    machine.plan.refuses = (method, "why")
    with pytest.raises(error, match=rf"engine .*tiny\.engine: TensorRT .*{problem}") as caught:
        machine.backend().open()
    assert isinstance(caught.value, DeviceError)
    assert not caught.value.is_sticky
    assert machine.device.live == 0


def test_a_plan_that_tensorrt_does_not_take_is_an_engine_error(machine: Machine) -> None:
    machine.plan.says = "the magic tag does not match"
    with pytest.raises(EngineError, match=r"tiny\.engine: .*the magic tag does not match"):
        machine.backend().open()


def test_a_plan_that_does_not_fit_the_memory_is_not_at_fault(machine: Machine) -> None:
    machine.plan.says = "Cuda Runtime (out of memory)"
    with pytest.raises(DeviceError, match=r"out of memory.*plan has 0\.0 MiB, 1024\.0 MiB of GPU 0 are free"):
        machine.backend().open()


def test_out_of_memory_says_what_is_needed_and_what_was_free(machine: Machine) -> None:
    machine.device.free = 4 * SCRATCH
    with pytest.raises(DeviceError, match=r"cudaMalloc fails.*at least 15\.0 MiB \(weights 0\.0, 5 contexts of scratch "
                                          r"3\.0 and tensors 0\.0\), and 12\.0 MiB were free"):  # fmt: skip
        machine.backend(contexts=5).open()
    assert machine.device.free == 4 * SCRATCH
    with machine.backend(contexts=3) as backend:
        assert backend.memory is not None
        assert backend.memory.total_bytes == len(PLAN) + 3 * (SCRATCH + 2 * 4 * 48)


def test_an_error_that_ends_all_cuda_work_is_sticky_and_close_does_not_fail(machine: Machine) -> None:
    backend = machine.backend()
    backend.open()
    machine.device.is_lost = True
    with pytest.raises(DeviceError, match=r"ILLEGAL_ADDRESS; the process must be started again") as caught:
        backend.infer(image())
    assert caught.value.is_sticky
    backend.close()


def test_an_array_of_another_shape_or_type_is_refused(machine: Machine) -> None:
    with machine.backend() as backend:
        with pytest.raises(InputError, match=r"expected float32 \[1, 3, 4, 4\], got float64 \[1, 3, 4, 4\]"):
            backend.infer({"images": np.zeros((1, 3, 4, 4))})
        with pytest.raises(InputError, match=r"'images'.*got none"):
            backend.infer({})


def test_a_changed_plan_never_reaches_tensorrt(machine: Machine) -> None:
    machine.engine.write_bytes(PLAN[:-1] + b"!")
    with pytest.raises(EngineError, match="sha256"):  # the stand-in would fail on other bytes than PLAN
        machine.backend().open()


def test_a_plan_without_weights_is_refused(machine: Machine) -> None:
    write_fake_engine(machine.engine, SPEC, options=EngineOptions(strip_plan=True))
    with pytest.raises(EngineError, match="weights were left out"):
        machine.backend().open()


def test_warnings_about_the_files_are_kept(machine: Machine) -> None:
    write_fake_engine(machine.engine, SPEC, adopted=True)
    with machine.backend() as backend:
        assert any("adopted" in warning for warning in backend.warnings)


def test_without_the_cuda_packages_it_says_what_to_install(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    from trt_perception.runtime.gpu import Gpu

    monkeypatch.setattr(module, "Gpu", Gpu)
    monkeypatch.setitem(sys.modules, "cuda", None)
    with pytest.raises(MissingError, match="pip install cuda-core"):
        machine.backend().open()


def test_a_pool_has_at_least_one_context(machine: Machine) -> None:
    with pytest.raises(InputError, match="at least 1 context, got 0"):
        machine.backend(contexts=0)
