"""The names and arguments that are used, against the bindings of TensorRT 11 and of TensorRT-RTX.

The libraries of TensorRT 11 are on no registry. Its bindings are, and import once three libraries give the C functions
that they are linked to; these say nothing, so signatures are all that can be looked at.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.tensorrt_surface import problems, signatures, takes

ROOT = Path(__file__).resolve().parents[2]
BINDINGS = "tensorrt-cu13-bindings"
LIBRARIES = ("libnvinfer", "libnvinfer_plugin", "libnvonnxparser")
FUNCTIONS = (
    "createInferBuilder_INTERNAL",
    "createInferRefitter_INTERNAL",
    "createInferRuntime_INTERNAL",
    "createNvOnnxParserRefitter_INTERNAL",
    "createNvOnnxParser_INTERNAL",
    "getBuilderPluginRegistry",
    "getNvOnnxParserVersion",
    "getPluginRegistry",
    "initLibNvInferPlugins",
)
LOOK = """
import dataclasses, json
from helpers.tensorrt_surface import problems
from trt_perception.engine.features import features_of
from trt_perception.engine.tensorrt_module import identify, load_tensorrt
trt = load_tensorrt("tensorrt_bindings")
print(json.dumps({
    "version": identify(trt).version,
    "problems": problems(trt),
    "emitter": features_of(trt).emitter,
    "features": dataclasses.asdict(features_of(trt)),
}))
"""


@pytest.fixture(scope="module")
def stubs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three libraries of functions that return nothing."""
    try:
        version = importlib.metadata.version(BINDINGS)
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"the bindings of TensorRT 11 ({BINDINGS}) are absent")
    if shutil.which("cc") is None:
        pytest.skip("a C compiler (cc) is absent")
    folder = tmp_path_factory.mktemp("stubs")
    source = folder / "stubs.c"
    source.write_text("".join(f"void *{name}(void) {{ return 0; }}\n" for name in FUNCTIONS))
    for library in LIBRARIES:
        name = f"{library}.so.{version.partition('.')[0]}"
        command = ["cc", "-shared", "-fPIC", f"-Wl,-soname,{name}", "-o", folder / name, source]
        subprocess.run(command, check=True)
    return folder


def test_tensorrt_11_has_what_is_used(stubs: Path) -> None:
    environment = {
        **os.environ,
        "LD_LIBRARY_PATH": os.pathsep.join(filter(None, (str(stubs), os.environ.get("LD_LIBRARY_PATH", "")))),
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "test"))),
    }
    done = subprocess.run([sys.executable, "-c", LOOK], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["version"].startswith("11.")
    assert found["problems"] == []
    assert found["emitter"] == "strong"
    assert not found["features"]["precision_flags"]
    assert found["features"]["progress"]
    assert found["features"]["strip_plan"]
    assert found["features"]["ahead_of_time"] == []


def test_tensorrt_rtx_has_what_is_used() -> None:
    trt = pytest.importorskip("tensorrt_rtx_bindings", reason="TensorRT-RTX (tensorrt-rtx-cu13-bindings) is absent")
    assert problems(trt) == []


def test_what_is_absent_or_takes_other_arguments_is_found() -> None:
    class Builder:
        num_DLA_cores = property(lambda self: 0)  # noqa: N815 - TensorRT's name

        def create_network(self) -> None:
            """create_network(self: Builder, flags: int, more: int) -> INetworkDefinition"""

    class Module:
        pass

    Module.Builder = Builder  # type: ignore[attr-defined]
    found = problems(Module)
    assert "Builder.create_network does not take 1 arguments: self: Builder, flags: int, more: int" in found
    assert "no Builder.create_builder_config" in found
    assert "no init_libnvinfer_plugins" in found
    assert "BuilderFlag has no TF32" in found
    assert not any("num_DLA_cores" in text for text in found)


@pytest.mark.parametrize(
    ("given", "fits"), [pytest.param(0, False, id="0"), pytest.param(1, True, id="1"), pytest.param(3, False, id="3")]
)
def test_counts_arguments_and_defaults(given: int, fits: bool) -> None:
    doc = "parse(*args, **kwargs)\nOverloaded function.\n\n1. parse(self: P, a: Dict[str, (int, int)], b: E = <E.A: 0>)"
    (parameters,) = signatures(doc, "parse")
    assert parameters == "self: P, a: Dict[str, (int, int)], b: E = <E.A: 0>"
    assert takes(parameters, given, method=True) is fits
