"""Engines run on the GPU as ONNX Runtime runs their models on the CPU.

Needs a GPU with its driver, TensorRT with its builder, cuda-core, onnx and onnxruntime. The networks are tiny, so
nothing here says how fast anything is.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trt_perception.engine.engine_files import write_engine
from trt_perception.engine.manifest import read_manifest
from trt_perception.errors import DeviceError, EngineError, InputError
from trt_perception.model.model_spec import TensorType
from trt_perception.runtime.backend import BackendKind
from trt_perception.runtime.make_backend import make_backend
from trt_perception.runtime.tensorrt_backend import TensorRtBackend

pytestmark = pytest.mark.gpu

MIB = 2**20
ROOT = Path(__file__).resolve().parents[2]


def images(seed: int = 0, *, batch: int = 1) -> dict[str, Any]:
    return {"images": np.random.default_rng(seed).uniform(-1, 1, (batch, 3, 64, 64)).astype(np.float32)}


def test_outputs_are_those_of_onnxruntime(small: Any) -> None:
    from helpers.gpu_engine import run_onnxruntime

    with TensorRtBackend(small.spec, engine=small.path) as backend:
        outputs = backend.infer(images())
    assert list(outputs) == ["logits"]
    # FP32 without TF32: only the order of additions differs.
    expected = run_onnxruntime(small.model, images()["images"])
    np.testing.assert_allclose(outputs["logits"], expected, rtol=1e-4, atol=1e-4)


TYPES = {
    "float16": (TensorType.FLOAT16, TensorType.FLOAT16, ("FP16",), np.float16),
    "int32": (TensorType.INT32, TensorType.INT32, (), np.int32),
    "int8": (TensorType.INT8, TensorType.INT8, ("INT8",), np.int8),
    "uint8": (TensorType.UINT8, TensorType.FLOAT32, (), np.uint8),
    "uint8_output": (TensorType.FLOAT32, TensorType.UINT8, (), np.float32),
    "int64_output": (TensorType.FLOAT32, TensorType.INT64, (), np.float32),
}


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_arrives_as_it_is(trt: Any, tmp_path: Path, kind: str) -> None:
    from helpers.gpu_engine import build_typed, one_tensor_spec, run_onnxruntime, typed_network

    dtype, output_dtype, flags, numpy_type = TYPES[kind]
    model = typed_network(tmp_path / f"{kind}.onnx", kind)
    shape = (1, 1, 8, 8) if kind == "int64_output" else (1, 3, 8, 8)
    spec = one_tensor_spec(model, (1, 3, 8, 8), shape, dtype=dtype, output_dtype=output_dtype)
    values = np.random.default_rng(0).integers(0, 100, (1, 3, 8, 8)).astype(numpy_type)
    with TensorRtBackend(spec, engine=build_typed(model, spec, *flags)) as backend:
        output = backend.infer({"images": values})["output"]
    expected = run_onnxruntime(model, values)
    assert output.dtype == expected.dtype
    np.testing.assert_array_equal(output, expected)  # whole numbers, and halves, are exact in all of these types


def test_threads_get_the_bytes_that_one_gets(small: Any) -> None:
    with TensorRtBackend(small.spec, engine=small.path, contexts=3) as backend:
        alone = [backend.infer(images(seed))["logits"].tobytes() for seed in range(24)]
        with ThreadPoolExecutor(8) as threads:
            together = list(threads.map(lambda seed: backend.infer(images(seed))["logits"].tobytes(), range(24)))
    assert together == alone
    assert len(set(alone)) == 24


def test_a_graph_gives_the_bytes_of_plain_calls_and_the_name_says_which(small: Any) -> None:
    outputs = {}
    for graph, note in {True: "CUDA graph", False: "no CUDA graph: switched off"}.items():
        with TensorRtBackend(small.spec, engine=small.path, graph=graph) as backend:
            outputs[graph] = backend.infer(images())["logits"].tobytes()
            assert backend.graph_note == note
            assert note in backend.name
    assert outputs[True] == outputs[False]


def test_outputs_belong_to_the_caller(small: Any) -> None:
    with TensorRtBackend(small.spec, engine=small.path, contexts=1) as backend:
        first = backend.infer(images(0))["logits"]
        kept = first.copy()
        assert not np.array_equal(backend.infer(images(1))["logits"], kept)
    assert np.array_equal(first, kept)
    assert first.flags.writeable


def test_no_device_memory_is_taken_by_frames_and_close_gives_back_what_open_took(trt: Any, tmp_path: Path) -> None:
    from helpers.gpu_engine import build_engine, relu_network, relu_spec

    from trt_perception.runtime.gpu import Gpu

    size = 1024
    model = relu_network(tmp_path / "large.onnx", size=size)
    spec = relu_spec(model, size=size)
    backend = TensorRtBackend(spec, engine=build_engine(model, spec), contexts=4)
    image = {"images": np.zeros((1, 3, size, size), np.float32)}
    gpu = Gpu()
    left = []
    for _ in range(3):
        backend.open()
        backend.infer(image)
        opened = gpu.free_bytes()
        for _ in range(50):
            backend.infer(image)
        assert gpu.free_bytes() == opened
        assert backend.memory is not None
        needed = backend.memory.total_bytes
        backend.close()
        left.append(gpu.free_bytes())
        assert left[-1] - opened >= needed - backend.memory.weights_bytes > 4 * 12 * MIB
    assert left[1] == left[2]  # the first time, CUDA loads kernels and keeps them


def test_a_plan_that_is_damaged_before_it_gets_its_manifest_is_refused_by_tensorrt(small: Any, tmp_path: Path) -> None:
    plan = bytearray(small.path.read_bytes())
    plan[:64] = bytes(64)
    engine = tmp_path / "damaged.engine"
    manifest = replace(
        read_manifest(small.path),
        plan_sha256=hashlib.sha256(plan).hexdigest(), model_file="", model_files={}, model_sha256="",
    )  # fmt: skip
    write_engine(engine, bytes(plan), manifest, "# card\n")
    with pytest.raises(EngineError, match=r"damaged\.engine: TensorRT cannot load the plan: \w+"):
        TensorRtBackend(replace(small.spec, model=str(engine)), engine=engine).open()


def test_a_flipped_byte_never_reaches_tensorrt(small: Any, tmp_path: Path) -> None:
    engine = tmp_path / "flipped.engine"
    plan = bytearray(small.path.read_bytes())
    plan[len(plan) // 2] ^= 1
    engine.write_bytes(plan)
    manifest = small.path.with_name(small.path.name + ".json")
    engine.with_name(engine.name + ".json").write_bytes(manifest.read_bytes())
    with pytest.raises(EngineError, match="sha256"):
        TensorRtBackend(small.spec, engine=engine).open()


def test_a_spec_of_another_shape_is_refused(small: Any) -> None:
    source = replace(small.spec.inputs[0], shape=(1, 3, 96, 96))
    with pytest.raises(EngineError, match="96"):
        TensorRtBackend(replace(small.spec, inputs=(source,)), engine=small.path).open()


def test_an_array_of_another_shape_or_type_is_refused(small: Any) -> None:
    with TensorRtBackend(small.spec, engine=small.path) as backend:
        with pytest.raises(InputError, match=r"float32 \[1, 3, 64, 64\], got float32 \[1, 3, 32, 32\]"):
            backend.infer({"images": np.zeros((1, 3, 32, 32), np.float32)})
        with pytest.raises(InputError, match="got float64"):
            backend.infer({"images": np.zeros((1, 3, 64, 64))})
        assert "logits" in backend.infer(images())


def test_the_spec_chooses_the_batch_of_an_open_one(batched: Any) -> None:
    from helpers.gpu_engine import run_onnxruntime

    with TensorRtBackend(batched.spec, engine=batched.path, contexts=2) as backend, ThreadPoolExecutor(2) as threads:
        outputs = list(threads.map(lambda seed: backend.infer(images(seed, batch=2))["logits"], range(4)))
    for seed, output in enumerate(outputs):
        expected = run_onnxruntime(batched.model, images(seed, batch=2)["images"])
        np.testing.assert_allclose(output, expected, rtol=1e-4, atol=1e-4)


def test_make_backend_takes_tensorrt_and_the_engine_beside_the_model(small: Any) -> None:
    with make_backend(BackendKind.AUTO, small.spec) as backend:
        assert isinstance(backend, TensorRtBackend)
        assert backend.name.startswith("TensorRT ")
        assert "logits" in backend.infer(images())


def test_out_of_memory_says_what_was_needed_and_what_was_free(small: Any) -> None:
    from trt_perception.runtime.gpu import Gpu

    gpu = Gpu()
    backend = TensorRtBackend(small.spec, engine=small.path, contexts=5000)
    hoard = gpu.allocate(gpu.free_bytes() - 128 * MIB)
    try:
        with pytest.raises(DeviceError, match=r"takes at least .* MiB \(weights .*5000 contexts.* were free") as caught:
            backend.open()
        assert not caught.value.is_sticky
    finally:
        gpu.free(hoard)
    with TensorRtBackend(small.spec, engine=small.path) as again:
        assert "logits" in again.infer(images())


def test_an_error_that_ends_all_cuda_work_is_told_from_others(small: Any) -> None:
    script = """
        import sys
        from pathlib import Path
        from trt_perception.engine.tensorrt_module import load_tensorrt
        from trt_perception.errors import DeviceError
        from trt_perception.runtime.engine_context import EngineContext
        from trt_perception.runtime.gpu import Gpu
        from trt_perception.runtime.tensorrt_engine import TensorRtEngine

        path = Path(sys.argv[1])
        engine = TensorRtEngine(load_tensorrt(), Gpu(), path.read_bytes(), name=path.name)
        context = EngineContext(engine, addresses={"images": 0x10000})  # nothing lies there
        try:
            context.prepare()
        except DeviceError as error:
            print(error.is_sticky, error, flush=True)
            context.close()
            engine.close()
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(small.path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, cwd=ROOT)
    assert done.stdout.startswith("True "), done.stdout + done.stderr
    assert "must be started again" in done.stdout
