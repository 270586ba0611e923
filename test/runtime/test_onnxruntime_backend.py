"""ONNX Runtime executes what the spec describes, and refuses what it does not."""

import builtins
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.model_specs import input_spec, model_spec, tiny_yolox_spec

from trt_perception.errors import DeviceError, MissingError, ModelError
from trt_perception.model.model_spec import HeadKind, ModelSpec, OutputSpec, TensorType
from trt_perception.runtime.onnxruntime_backend import OnnxRuntimeBackend

onnxruntime = pytest.importorskip("onnxruntime", reason="needs ONNX Runtime")
tiny_onnx = pytest.importorskip("helpers.tiny_onnx", reason="needs the onnx package")


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> ModelSpec:
    return tiny_yolox_spec(str(tiny_onnx.make_yolox_onnx(tmp_path_factory.mktemp("model") / "yolox.onnx")))


def image(seed: int = 0) -> dict[str, Any]:
    return {"images": np.random.default_rng(seed).uniform(0, 255, (1, 3, 64, 64)).astype(np.float32)}


def test_outputs_are_those_of_a_plain_session(spec: ModelSpec) -> None:
    session = onnxruntime.InferenceSession(spec.model, providers=["CPUExecutionProvider"])
    expected = session.run(["output"], image())[0]
    with OnnxRuntimeBackend(spec) as backend:
        outputs = backend.infer(image())
    assert list(outputs) == ["output"]
    assert np.allclose(outputs["output"], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_input_gives_the_same_bytes(spec: ModelSpec, threads: int) -> None:
    with OnnxRuntimeBackend(spec, threads=threads) as backend:
        first = backend.infer(image())["output"].tobytes()
        assert all(backend.infer(image())["output"].tobytes() == first for _ in range(5))


def test_outputs_belong_to_the_caller(spec: ModelSpec) -> None:
    with OnnxRuntimeBackend(spec) as backend:
        first = backend.infer(image(0))["output"]
        kept = first.copy()
        second = backend.infer(image(1))["output"]
        assert not np.shares_memory(first, second)
        assert first.flags.writeable
    assert np.array_equal(first, kept)


def test_a_model_of_dynamic_sizes_runs_at_the_size_of_the_spec(tmp_path: Path) -> None:
    path = tiny_onnx.make_yolox_onnx(tmp_path / "dynamic.onnx", announced=("batch", 3, "height", "width"))
    with OnnxRuntimeBackend(tiny_yolox_spec(str(path))) as backend:
        assert backend.infer(image())["output"].shape == (1, 84, 8)


def test_an_output_of_another_size_than_the_spec_says_is_an_error(tmp_path: Path) -> None:
    path = tiny_onnx.make_yolox_onnx(tmp_path / "dynamic.onnx", announced=("batch", 3, "height", "width"))
    wrong = replace(tiny_yolox_spec(str(path)), outputs=(OutputSpec(name="output", shape=(1, 99, 8)),))
    with OnnxRuntimeBackend(wrong) as backend, pytest.raises(DeviceError, match=r"\[1, 99, 8\], got \[1, 84, 8\]"):
        backend.infer(image())


MISMATCHES = {
    "input_name": ({"inputs": (input_spec(64, 64, name="picture"),)}, "expected inputs picture, the file has images"),
    "input_shape": ({"inputs": (input_spec(96, 64),)}, r"\[1, 3, 64, 96\], the file has \[1, 3, 64, 64\]"),
    "input_dtype": ({"inputs": (input_spec(64, 64, dtype=TensorType.FLOAT16),)}, "float16, the file has float32"),
    "input_missing": (
        {"inputs": (input_spec(64, 64), input_spec(64, 64, name="ir"))},
        "expected inputs images, ir, the file has images",
    ),
    "output_name": ({"outputs": (OutputSpec(name="boxes", shape=(1, 84, 8)),)}, "expected outputs boxes"),
    "output_shape": ({"outputs": (OutputSpec(name="output", shape=(1, 84, 85)),)}, r"the file has \[1, 84, 8\]"),
    "output_axes": ({"outputs": (OutputSpec(name="output", shape=(84, 8)),)}, r"\[84, 8\], the file has"),
}


@pytest.mark.parametrize(("changes", "problem"), MISMATCHES.values(), ids=MISMATCHES.keys())
def test_a_file_that_is_not_what_the_spec_says_is_refused(
    spec: ModelSpec, changes: dict[str, Any], problem: str
) -> None:
    backend = OnnxRuntimeBackend(replace(spec, **changes))
    with pytest.raises(ModelError, match=problem):
        backend.open()
    with pytest.raises(DeviceError, match="open"):
        backend.infer(image())


def test_an_input_that_the_spec_lacks_is_refused(tmp_path: Path) -> None:
    shape = (1, 3, 64, 64)
    path = tiny_onnx.make_layout_onnx(
        tmp_path / "pair.onnx", inputs={"images": shape, "ir": shape}, outputs={"output": (1, 84, 8)}
    )
    with pytest.raises(ModelError, match="the file has images, ir"):
        OnnxRuntimeBackend(tiny_yolox_spec(str(path))).open()


def test_outputs_that_the_spec_leaves_out_are_not_computed(tmp_path: Path) -> None:
    path = tiny_onnx.make_layout_onnx(tmp_path / "more.onnx", outputs={"output": (1, 7, 9), "features": (1, 64)})
    with OnnxRuntimeBackend(model_spec(HeadKind.YOLOV8, (1, 7, 9), model=str(path))) as backend:
        assert list(backend.infer(image())) == ["output"]


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"not a model")
    with pytest.raises(ModelError, match="cannot load") as caught:
        OnnxRuntimeBackend(tiny_yolox_spec(str(path))).open()
    assert caught.value.__cause__ is not None


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"absent\.onnx"):
        OnnxRuntimeBackend(tiny_yolox_spec(str(tmp_path / "absent.onnx"))).open()


def test_a_missing_package_is_named(spec: ModelSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    real_import = builtins.__import__

    def without_onnxruntime(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "onnxruntime":
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_onnxruntime)
    with pytest.raises(MissingError, match="pip install onnxruntime"):
        OnnxRuntimeBackend(spec).open()


def test_a_failing_run_is_a_device_error_with_its_cause(spec: ModelSpec) -> None:
    with OnnxRuntimeBackend(spec) as backend, pytest.raises(DeviceError, match="ONNX Runtime failed") as caught:
        backend.infer({"images": np.zeros((1, 3, 32, 32), np.float32)})
    assert caught.value.__cause__ is not None


def test_open_and_close_may_be_called_twice(spec: ModelSpec) -> None:
    backend = OnnxRuntimeBackend(spec)
    backend.open()
    backend.open()
    backend.close()
    backend.close()
    with pytest.raises(DeviceError, match="before open or after close"):
        backend.infer(image())
    with backend:
        assert "output" in backend.infer(image())


def test_the_name_says_runtime_version_and_device(spec: ModelSpec) -> None:
    with OnnxRuntimeBackend(spec, threads=3, note="why") as backend:
        assert backend.name == f"onnxruntime {onnxruntime.__version__} (CPU, threads: 3; why)"


def test_exact_quantizers_round_where_the_graph_says_and_nowhere_else(tmp_path: Path) -> None:
    from helpers.demo_network_onnx import make_demo_network_onnx
    from helpers.max_ranges import max_table, random_feeds

    from trt_perception.precision.precision_plan import PrecisionPlan
    from trt_perception.precision.quantize import Emitter, quantize

    model, graph, plan = make_demo_network_onnx(tmp_path / "model.onnx"), tmp_path / "graph.onnx", PrecisionPlan()
    feeds = random_feeds(model)
    quantize(model, plan, max_table(model, plan, feeds), emitter=Emitter.STRONG, out=graph)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    expected = session.run(["segmentation"], feeds)[0]
    shape = (1, 4, 16, 16)
    tiny = model_spec(HeadKind.SEMANTIC_LOGITS, shape, labels=4, model=str(graph))
    spec = replace(tiny, outputs=(OutputSpec(name="segmentation", shape=shape),))
    with OnnxRuntimeBackend(spec, exact_quantizers=True) as backend:
        error = np.abs(backend.infer(feeds)["segmentation"] - expected).max()
    assert error < 1e-3 * expected.std()
