"""Plugin libraries: compiled here, loaded for TensorRT-RTX."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from trt_perception.engine.build_messages import BuildMessages, make_logger
from trt_perception.engine.plugin_libraries import load_plugins
from trt_perception.errors import ConfigError, MissingError

# What a library of the newer kind has; this one says that it has no plugins.
FACTORY = """
extern "C" void setLoggerFinder(void*) { }
extern "C" void* const* getCreators(int& count) { count = 0; static void* none[1] = {}; return none; }
extern "C" void* const* getPluginCreators(int& count) { return getCreators(count); }
"""
# One of the older kind, whose plugins register themselves while it is loaded, has nothing to ask for.
REGISTERS_ITSELF = 'extern "C" int anything() { return 0; }'


@pytest.fixture(scope="module")
def trt() -> Any:
    return pytest.importorskip("tensorrt_rtx_bindings", reason="TensorRT-RTX (tensorrt-rtx-cu13-bindings) is absent")


def compiled(source: str, path: Path) -> Path:
    if shutil.which("c++") is None:
        pytest.skip("a C++ compiler (c++) is absent")
    path.with_suffix(".cpp").write_text(source)
    subprocess.run(["c++", "-shared", "-fPIC", "-o", path, path.with_suffix(".cpp")], check=True)
    return path


def load(trt: Any, path: Path) -> None:
    load_plugins(trt, (str(path),), make_logger(trt, BuildMessages()))


def test_a_library_that_registers_itself_is_loaded_into_this_process(trt: Any, tmp_path: Path) -> None:
    path = compiled(REGISTERS_ITSELF, tmp_path / "libolder.so")
    load(trt, path)
    assert str(path.resolve()) in Path("/proc/self/maps").read_text()


def test_one_that_has_to_be_asked_is_asked_by_tensorrt(trt: Any, tmp_path: Path) -> None:
    path = compiled(FACTORY, tmp_path / "libnewer.so")
    with pytest.raises(ConfigError, match=r"libnewer\.so cannot be loaded: .*No creator returned"):
        load(trt, path)


def test_a_library_is_registered_once_however_often_it_is_asked_for(tmp_path: Path) -> None:
    path = compiled(FACTORY, tmp_path / "libonce.so")
    asked: list[str] = []
    registry = SimpleNamespace(load_library=lambda name: None if name in asked else asked.append(name) or "handle")
    trt = SimpleNamespace(__name__="fake", get_plugin_registry=lambda: registry, IErrorRecorder=object)
    for _ in range(2):  # the second time, TensorRT would say no
        load_plugins(trt, (str(path),), None)
    assert asked == [str(path.resolve())]


def test_what_is_no_library_is_refused(trt: Any, tmp_path: Path) -> None:
    path = tmp_path / "libplugin.so"
    path.write_text("no library")
    with pytest.raises(ConfigError, match=r"plugins: .*libplugin\.so cannot be loaded: .*build it for this machine"):
        load(trt, path)
    with pytest.raises(MissingError, match=r"absent\.so: No such file.*`plugins`"):
        load(trt, tmp_path / "absent.so")
