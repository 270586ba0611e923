"""NVRTC itself, which needs no GPU: what it compiles, what it refuses, and when it is not asked at all."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.fault_times import keep_times

from trt_perception.errors import DeviceError, MissingError
from trt_perception.kernel_call import KernelSource
from trt_perception.runtime import kernel_compiler
from trt_perception.runtime.kernel_cache import KernelCache
from trt_perception.runtime.kernel_compiler import KernelCompiler

SOURCE = KernelSource(file="scale.cu", function="scale", defines=(("FACTOR", "(2 + 1)"),))
TEXT = '#include "deep/more.cuh"\nextern "C" __global__ void scale(float* x) { x[threadIdx.x] *= FACTOR + MORE; }\n'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "deep").mkdir(parents=True)
    (folder / "scale.cu").write_text(TEXT)
    (folder / "deep" / "more.cuh").write_text('#include "kernels/common.cuh"\n#define MORE 5\n')
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> KernelCache:
    return KernelCache(tmp_path / "cache")


def kept(cache: KernelCache) -> list[Path]:
    return sorted(cache.folder.glob("*.cubin"))


def test_a_kernel_becomes_a_cubin_of_the_architecture(root: Path) -> None:
    compiler = KernelCompiler()
    codes = [compiler.compile(SOURCE, architecture, root=root) for architecture in ("sm_75", "sm_90")]
    assert all(code.startswith(b"\x7fELF") and b"scale" in code for code in codes)
    assert codes[0] != codes[1]


def test_the_second_time_it_comes_from_the_cache(
    root: Path, cache: KernelCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = KernelCompiler(cache=cache).compile(SOURCE, "sm_90", root=root)
    second = KernelCompiler(cache=cache)
    monkeypatch.setattr(second, "_core", None)
    assert second.compile(SOURCE, "sm_90", root=root) == code


def test_a_damaged_file_is_compiled_again(root: Path, cache: KernelCache) -> None:
    code = KernelCompiler(cache=cache).compile(SOURCE, "sm_90", root=root)
    (path,) = kept(cache)
    path.write_bytes(path.read_bytes()[:-5])
    compiler, began = KernelCompiler(cache=cache), time.monotonic()
    assert compiler.compile(SOURCE, "sm_90", root=root) == code
    keep_times("damaged_kernel_cache", over=time.monotonic() - began)
    assert cache.load(path.stem) == code


CHANGES: dict[str, Any] = {
    "text": lambda root: (root / "scale.cu").write_text(TEXT.replace("*=", "+=")),
    "included_file": lambda root: (root / "deep" / "more.cuh").write_text("#define MORE 6\n"),
    "define": lambda root: replace(SOURCE, defines=(("FACTOR", "4"),)),
    "architecture": lambda root: "sm_89",
    "nvrtc": lambda root: ("version", "13.99"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_another_kernel_has_another_key(root: Path, cache: KernelCache, change: Any) -> None:
    compiler = KernelCompiler(cache=cache)
    compiler.compile(SOURCE, "sm_90", root=root)
    changed = change(root)
    if isinstance(changed, tuple):
        setattr(compiler, *changed)
    source = changed if isinstance(changed, KernelSource) else SOURCE
    compiler.compile(source, changed if isinstance(changed, str) else "sm_90", root=root)
    assert len(kept(cache)) == 2


def test_functions_of_one_file_share_one_compilation(root: Path, cache: KernelCache) -> None:
    compiler = KernelCompiler(cache=cache)
    for function in ("scale", "other"):
        compiler.compile(replace(SOURCE, function=function), "sm_90", root=root)
    assert len(kept(cache)) == 1


def test_what_does_not_compile_is_told_with_the_compilers_log_and_not_kept(root: Path, cache: KernelCache) -> None:
    (root / "scale.cu").write_text('extern "C" __global__ void scale(float* x) { x[0] = nothing; }\n')
    problem = r"scale\.cu -DFACTOR=\(2 \+ 1\) does not compile with NVRTC \d+\.\d+ for sm_90: .*" r'[\s\S]*"nothing" is'
    compiler, began = KernelCompiler(cache=cache), time.monotonic()
    with pytest.raises(DeviceError, match=problem):
        compiler.compile(SOURCE, "sm_90", root=root)
    keep_times("kernel_does_not_compile", told=time.monotonic() - began)
    assert not kept(cache)


ARCHITECTURES = {"same": ((9, 0), "sm_90"), "older_minor": ((8, 4), "sm_80"), "orin": ((8, 7), "sm_87")}


@pytest.mark.parametrize(("capability", "expected"), ARCHITECTURES.values(), ids=ARCHITECTURES.keys())
def test_a_gpu_gets_the_newest_architecture_that_it_runs(capability: tuple[int, int], expected: str) -> None:
    assert KernelCompiler().architecture(capability) == expected


@pytest.mark.parametrize("capability", [(5, 0), (99, 0)], ids=["old_gpu", "new_gpu"])
def test_a_gpu_that_this_nvrtc_does_not_know_is_told(capability: tuple[int, int]) -> None:
    problem = r"NVRTC 13\.\d+ compiles for sm_75 to sm_\d+, and the GPU is sm_(50|990); install an NVRTC that knows it"
    with pytest.raises(MissingError, match=problem):
        KernelCompiler().architecture(capability)


def test_without_the_packages_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cuda", None)
    with pytest.raises(MissingError, match=r"cuda-core and cuda-bindings cannot be imported.*pip install cuda-core"):
        KernelCompiler()


def test_without_nvrtc_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(nvrtc: Any) -> str:
        raise RuntimeError("Failure finding\n libnvrtc.so")

    monkeypatch.setattr(kernel_compiler, "_version", absent)
    problem = r"NVRTC, .* cannot be loaded \(Failure finding libnvrtc\.so\); run: pip install 'nvidia-cuda-nvrtc"
    began = time.monotonic()
    with pytest.raises(MissingError, match=problem):
        KernelCompiler()
    keep_times("no_nvrtc", told=time.monotonic() - began)


def test_no_foreign_header_is_found_in_the_working_folder(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    (tmp_path / "elsewhere" / "deep" / "more.cuh").write_text("#error foreign\n")
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert KernelCompiler().compile(SOURCE, "sm_90", root=root)
