"""The backend asked for, or one clear line why not."""

import importlib.machinery

import pytest
from helpers.model_specs import model_spec

from trt_perception.errors import MissingError
from trt_perception.model.model_spec import HeadKind
from trt_perception.runtime import make_backend as module
from trt_perception.runtime.backend import BackendKind
from trt_perception.runtime.make_backend import make_backend
from trt_perception.runtime.onnxruntime_backend import OnnxRuntimeBackend

SPEC = model_spec(HeadKind.YOLOV8, (1, 7, 9))
LACKS = {False: "tensorrt is not installed", True: "executes no TensorRT engines"}


@pytest.fixture(params=[False, True], ids=["without_tensorrt", "with_tensorrt"])
def installed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    found = importlib.machinery.ModuleSpec("tensorrt", None) if request.param else None
    monkeypatch.setattr(f"{module.__name__}.find_spec", lambda name: found if name == "tensorrt" else None)
    return bool(request.param)


def test_onnxruntime_is_taken_as_asked(installed: bool) -> None:
    backend = make_backend(BackendKind.ONNXRUNTIME, SPEC, threads=3)
    assert isinstance(backend, OnnxRuntimeBackend)
    assert backend.name == "onnxruntime (CPU, threads: 3)"


def test_tensorrt_says_what_is_missing_and_how_to_run_on_the_cpu(installed: bool) -> None:
    with pytest.raises(MissingError, match=LACKS[installed]) as caught:
        make_backend(BackendKind.TENSORRT, SPEC)
    assert "backend: onnxruntime" in str(caught.value)


def test_auto_says_what_it_took_and_why(installed: bool) -> None:
    backend = make_backend(BackendKind.AUTO, SPEC)
    assert isinstance(backend, OnnxRuntimeBackend)
    assert backend.name.startswith("onnxruntime")
    assert LACKS[installed] in backend.name
