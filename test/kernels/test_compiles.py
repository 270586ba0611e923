"""Every kernel that the package can ask for compiles with the real NVRTC, and for every architecture that is served."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest

import trt_perception.decode
import trt_perception.draw
import trt_perception.preprocess
from trt_perception.kernel_call import KernelSource
from trt_perception.runtime.kernel_compiler import KernelCompiler
from trt_perception.runtime.kernel_files import PACKAGE

ARCHITECTURES = ("sm_75", "sm_80", "sm_86", "sm_87", "sm_89", "sm_90", "sm_100", "sm_110", "sm_120")
"""Turing to Blackwell; 8.7 is Orin, 11.0 Thor."""


def listed() -> Iterator[KernelSource]:
    """What the modules of the package say that they make."""
    for part in (trt_perception.preprocess, trt_perception.decode, trt_perception.draw):
        for module in pkgutil.walk_packages(part.__path__, f"{part.__name__}."):
            found = importlib.import_module(module.name)
            made: Any = vars(found).get("kernel_sources")
            if made is not None and made.__module__ == module.name:
                yield from made()


SOURCES = sorted({(source.file, source.defines): source for source in listed()}.values(), key=str)


@pytest.fixture(scope="module")
def compiler() -> KernelCompiler:
    return KernelCompiler()


def test_every_file_is_listed() -> None:
    files = {path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.cu")}
    assert files == {source.file for source in SOURCES}


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source).replace(" ", "_"))
def test_compiles_and_holds_the_functions_that_are_listed(compiler: KernelCompiler, source: KernelSource) -> None:
    code = compiler.compile(source, "sm_90")
    functions = {other.function for other in listed() if (other.file, other.defines) == (source.file, source.defines)}
    assert not [name for name in functions if f".text.{name}\0".encode() not in code]


FILES = list({source.file: source for source in SOURCES}.values())
OLDEST, *BETWEEN, NEWEST = ARCHITECTURES


@pytest.mark.parametrize("architecture", [OLDEST, NEWEST])
def test_each_file_compiles_for(compiler: KernelCompiler, architecture: str) -> None:
    for source in FILES:
        assert compiler.compile(source, architecture)


@pytest.mark.parametrize("architecture", BETWEEN)
def test_some_files_compile_for(compiler: KernelCompiler, architecture: str) -> None:
    for source in FILES[BETWEEN.index(architecture) :: len(BETWEEN)]:
        assert compiler.compile(source, architecture)
