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
from trt_perception.encoding import Encoding
from trt_perception.kernel_call import KernelSource
from trt_perception.model.model_spec import InputSpec, TensorType
from trt_perception.model.preprocess_options import ChannelOrder, Interpolation, Layout, PreprocessOptions
from trt_perception.preprocess.frame_layout import FrameLayout
from trt_perception.preprocess.preprocess_kernel import PreprocessKernel
from trt_perception.runtime.kernel_compiler import KernelCompiler
from trt_perception.runtime.kernel_files import PACKAGE

ARCHITECTURES = ("sm_75", "sm_80", "sm_86", "sm_87", "sm_89", "sm_90", "sm_100", "sm_110", "sm_120")
"""Turing to Blackwell; 8.7 is Orin, 11.0 Thor."""


def preprocess_sources() -> Iterator[KernelSource]:
    """Every value of every constant of the kernel: each encoding with each way of resizing by turns, and the rest."""
    sizes = {"none": 64, "halve": 128, "third": 192, "reduce": 100, "enlarge": 40}
    ways = [(size, interpolation) for size in sizes.values() for interpolation in Interpolation]
    specs = [
        *((size, PreprocessOptions(interpolation=interpolation), TensorType.FLOAT32) for size, interpolation in ways),
        *((100, PreprocessOptions(channel_order=order), TensorType.FLOAT16) for order in ChannelOrder),
        *((100, PreprocessOptions(layout=layout), TensorType.INT8) for layout in Layout),
    ]
    for index in range(max(len(Encoding), len(specs))):
        encoding, (size, options, dtype) = list(Encoding)[index % len(Encoding)], specs[index % len(specs)]
        channels = 1 if options.channel_order is ChannelOrder.MONO else 3
        shape = (1, channels, 64, 64) if options.layout is Layout.NCHW else (1, 64, 64, channels)
        kernel = PreprocessKernel(InputSpec(name="images", shape=shape, dtype=dtype, preprocess=options))
        layout = FrameLayout(encoding=encoding, width=size, height=size, step=encoding.row_bytes(size))
        for pixels in (256, 257):  # bytes are read several at once, or one by one
            yield from (call.source for call in kernel.calls(layout, pixels=pixels, constants=256, tensor=256))


def listed() -> Iterator[KernelSource]:
    """What the modules of the package say that they make."""
    yield from preprocess_sources()
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
