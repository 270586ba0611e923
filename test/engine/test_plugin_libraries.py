"""Plugin libraries: compiled here, loaded for TensorRT-RTX."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from trt_perception.engine.build_messages import BuildMessages, make_logger
from trt_perception.engine.plugin_libraries import load_plugins
from trt_perception.errors import ConfigError, EngineError, MissingError

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


def compiled(source: str, path: Path, *options: str) -> Path:
    if shutil.which("c++") is None:
        pytest.skip("a C++ compiler (c++) is absent")
    path.with_suffix(".cpp").write_text(source)
    subprocess.run(["c++", "-shared", "-fPIC", "-o", path, path.with_suffix(".cpp"), *options], check=True)
    return path


def load(trt: Any, *paths: Path, sha256: str = "") -> None:
    load_plugins(trt, {str(path): sha256 for path in paths}, make_logger(trt, BuildMessages()))


def numbered(path: Path, number: int) -> Path:
    """A library with a function of its own that gives the number."""
    return compiled(f'extern "C" int number_of_{path.stem}() {{ return {number}; }}', path)


def number_of(path: Path) -> int:
    """What the library that this process has loaded gives."""
    return int(getattr(ctypes.CDLL(None), f"number_of_{path.stem}")())


@pytest.fixture
def bare_trt() -> Any:
    """As little of TensorRT as a library of the older kind needs."""
    return SimpleNamespace(__name__="fake", ILogger=SimpleNamespace)


@pytest.fixture(params=[pytest.param(True, id="sealed"), pytest.param(False, id="no_sealed_files")])
def sealed_files(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the system has files in memory."""
    if not request.param:
        monkeypatch.delattr(os, "memfd_create")
    return bool(request.param)


def test_a_library_that_registers_itself_is_loaded_into_this_process(
    trt: Any, tmp_path: Path, sealed_files: bool
) -> None:
    path = compiled(f"// {sealed_files}\n{REGISTERS_ITSELF}", tmp_path / f"libolder_{sealed_files}.so")
    load(trt, path)
    shown = f"/memfd:{path.name} (deleted)" if sealed_files else str(path.resolve())
    assert shown in Path("/proc/self/maps").read_text()


def test_one_that_has_to_be_asked_is_asked_by_tensorrt(trt: Any, tmp_path: Path) -> None:
    path = compiled(FACTORY, tmp_path / "libnewer.so")
    with pytest.raises(ConfigError, match=r"libnewer\.so cannot be loaded: .*No creator returned"):
        load(trt, path)


def test_a_library_is_registered_once_however_often_it_is_asked_for(tmp_path: Path) -> None:
    path = compiled(FACTORY, tmp_path / "libonce.so")
    again = Path(shutil.copy(path, tmp_path / "libcopy.so"))
    asked: list[str] = []
    registry = SimpleNamespace(load_library=lambda name: None if name in asked else asked.append(name) or "handle")
    trt = SimpleNamespace(__name__="fake", get_plugin_registry=lambda: registry, IErrorRecorder=object)
    for library in (path, path, again):  # the second time, TensorRT would say no
        load_plugins(trt, {str(library): ""}, None)
    assert len(asked) == 1
    assert Path(asked[0]).read_bytes() == path.read_bytes()


def test_what_is_no_library_is_refused(trt: Any, tmp_path: Path) -> None:
    path = tmp_path / "libplugin.so"
    path.write_text("no library")
    with pytest.raises(
        ConfigError, match=r"plugins: .*libplugin\.so cannot be loaded: libplugin\.so: .*build it for this"
    ):
        load(trt, path)
    with pytest.raises(MissingError, match=r"absent\.so: No such file.*`plugins`"):
        load(trt, tmp_path / "absent.so")


def test_a_library_of_another_digest_is_not_loaded(bare_trt: Any, tmp_path: Path) -> None:
    path = numbered(tmp_path / "other_digest.so", 1)
    with pytest.raises(EngineError, match=f"sha256 of the plugin library: expected {'0' * 16}, got [0-9a-f]{{16}}"):
        load_plugins(bare_trt, {str(path): "0" * 64}, None)
    assert path.name not in Path("/proc/self/maps").read_text()
    load_plugins(bare_trt, {str(path): hashlib.sha256(path.read_bytes()).hexdigest()}, None)
    assert number_of(path) == 1


def test_a_file_that_is_exchanged_after_it_was_hashed_is_not_loaded(
    bare_trt: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = numbered(tmp_path / "exchanged.so", 1)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    (tmp_path / "evil").mkdir()
    evil = numbered(tmp_path / "evil" / "exchanged.so", 666)
    load_library = ctypes.CDLL

    def exchange_first(name: str | None, **given: Any) -> ctypes.CDLL:
        evil.replace(path) if evil.exists() else None
        return load_library(name, **given)

    monkeypatch.setattr(ctypes, "CDLL", exchange_first)
    load_plugins(bare_trt, {str(path): digest}, None)
    assert hashlib.sha256(path.read_bytes()).hexdigest() != digest
    assert number_of(path) == 1


def test_what_is_loaded_can_no_longer_be_written(bare_trt: Any, tmp_path: Path) -> None:
    path = numbered(tmp_path / "sealed.so", 1)
    load_plugins(bare_trt, {str(path): ""}, None)
    files = [file for file in list(Path("/proc/self/fd").iterdir()) if file.exists()]
    opened = [file for file in files if str(file.readlink()).startswith("/memfd:sealed.so")]
    assert len(opened) == 1
    with opened[0].open("r+b", buffering=0) as file, pytest.raises(PermissionError):
        file.write(b"x")


def test_a_library_that_another_needs_stands_before_it(bare_trt: Any, tmp_path: Path) -> None:
    needed = compiled('extern "C" int needed() { return 7; }', tmp_path / "libneeded.so", "-Wl,-soname,libneeded.so")
    path = compiled(
        'extern "C" int needed(); extern "C" int number_of_needs() { return needed(); }',
        tmp_path / "needs.so",
        *(f"-L{tmp_path}", "-lneeded", "-Wl,-rpath,$ORIGIN"),
    )
    with pytest.raises(ConfigError, match=r"libneeded\.so: cannot open.*stand before it in `plugins`"):
        load_plugins(bare_trt, {str(path): ""}, None)
    load_plugins(bare_trt, {str(needed): "", str(path): ""}, None)
    assert number_of(path) == 7
