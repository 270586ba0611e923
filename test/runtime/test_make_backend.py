"""The backend asked for, or one clear line why not."""

import importlib.machinery
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.model_specs import model_spec

from trt_perception.errors import DeviceError, EngineError, MissingError
from trt_perception.model.model_spec import HeadKind, ModelSpec
from trt_perception.runtime import make_backend as module
from trt_perception.runtime.backend import BackendKind
from trt_perception.runtime.make_backend import make_backend
from trt_perception.runtime.onnxruntime_backend import OnnxRuntimeBackend
from trt_perception.runtime.tensorrt_backend import TensorRtBackend

LACKS = {
    "tensorrt": ("tensorrt is not installed", "backend: onnxruntime"),
    "cuda.core": ("cuda-core is not installed", "pip install cuda-core"),
    "engine": ("there is no engine", "trt-perception build"),
}


@pytest.fixture
def spec(tmp_path: Path) -> ModelSpec:
    return model_spec(HeadKind.YOLOV8, (1, 7, 9), model=str(tmp_path / "tiny.onnx"))


@pytest.fixture
def complete(spec: ModelSpec, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """A machine with everything; a test takes packages away."""
    packages = {"tensorrt", "cuda.core"}

    def find(name: str) -> Any:
        if name == "cuda.core" and name not in packages:
            raise ModuleNotFoundError(name)
        return importlib.machinery.ModuleSpec(name, None) if name in packages else None

    class Driver:
        def device(self, index: int) -> None:
            if "gpu" not in packages:
                raise DeviceError("no device")

    packages.add("gpu")
    monkeypatch.setattr(f"{module.__name__}.find_spec", find)
    monkeypatch.setattr(f"{module.__name__}.CudaDriver", Driver)
    Path(spec.model).with_suffix(".engine").write_bytes(b"plan")
    return packages


def remove(lack: str, packages: set[str], spec: ModelSpec) -> None:
    packages.discard(lack)
    if lack == "engine":
        Path(spec.model).with_suffix(".engine").unlink()


def test_onnxruntime_is_taken_as_asked(complete: set[str], spec: ModelSpec) -> None:
    backend = make_backend(BackendKind.ONNXRUNTIME, spec, threads=3)
    assert isinstance(backend, OnnxRuntimeBackend)
    assert backend.name == "onnxruntime (CPU, threads: 3)"


@pytest.mark.parametrize("kind", [BackendKind.TENSORRT, BackendKind.AUTO])
def test_tensorrt_is_taken_where_everything_is_there(complete: set[str], spec: ModelSpec, kind: BackendKind) -> None:
    backend = make_backend(kind, spec)
    assert isinstance(backend, TensorRtBackend)
    assert backend.name == "tensorrt (engine tiny.engine, not open)"


def test_an_engine_elsewhere_can_be_given(complete: set[str], spec: ModelSpec, tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"there is no engine .*other\.engine"):
        make_backend(BackendKind.TENSORRT, spec, engine=tmp_path / "other.engine")
    (tmp_path / "other.engine").write_bytes(b"plan")
    backend = make_backend(BackendKind.TENSORRT, spec, engine=tmp_path / "other.engine")
    assert "other.engine" in backend.name


@pytest.mark.parametrize("lack", LACKS)
def test_tensorrt_says_what_is_missing_and_what_to_do(complete: set[str], spec: ModelSpec, lack: str) -> None:
    remove(lack, complete, spec)
    problem, remedy = LACKS[lack]
    with pytest.raises(MissingError, match=problem) as caught:
        make_backend(BackendKind.TENSORRT, spec)
    assert remedy in str(caught.value)
    assert "backend: onnxruntime" in str(caught.value)


@pytest.mark.parametrize("lack", [*LACKS, "gpu"])
def test_auto_says_what_it_took_and_why(complete: set[str], spec: ModelSpec, lack: str) -> None:
    remove(lack, complete, spec)
    backend = make_backend(BackendKind.AUTO, spec)
    assert isinstance(backend, OnnxRuntimeBackend)
    assert backend.name.startswith("onnxruntime")
    assert (LACKS[lack][0] if lack in LACKS else "no GPU (no device)") in backend.name


def test_an_engine_alone_never_runs_on_the_cpu(complete: set[str], spec: ModelSpec) -> None:
    alone = replace(spec, model=str(Path(spec.model).with_suffix(".engine")))
    assert isinstance(make_backend(BackendKind.AUTO, alone), TensorRtBackend)
    with pytest.raises(EngineError, match="an engine runs on TensorRT only"):
        make_backend(BackendKind.ONNXRUNTIME, alone)
    complete.discard("tensorrt")
    with pytest.raises(MissingError, match="tensorrt is not installed"):
        make_backend(BackendKind.AUTO, alone)
