"""Kernels as a C++ compiler makes them, with test/cuda_on_cpu in place of CUDA."""

from __future__ import annotations

import ctypes
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from helpers.kernel_bench import KernelFault
from trt_perception.kernel_call import MAX_SHARED_BYTES, Argument, KernelSource
from trt_perception.runtime.kernel_files import PACKAGE, kernel_files

HERE = Path(__file__).resolve().parents[1] / "cuda_on_cpu"
# As NVRTC's --fmad=false. Fortify's check of longjmp knows no fibers.
FLAGS = ("-std=c++17", "-O1", "-fPIC", "-shared", "-ffp-contract=off", "-fno-strict-aliasing", "-U_FORTIFY_SOURCE")
KERNEL_FLAGS = (
    "-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas", "-Wno-sign-compare", "-Wno-parentheses",
    "-Wno-unused-function", "-Wno-unused-const-variable", "-fno-extern-tls-init", "-fvisibility=hidden",
)  # fmt: skip
SANITIZERS = ("-fsanitize=undefined,float-cast-overflow", "-fno-sanitize=vptr", "-fno-sanitize-recover=all")
"""Arrays' bounds, alignment, shifts and overflow: what a GPU does in silence, or otherwise."""

_DYNAMIC = re.compile(r"\bextern\s+__shared__\s+(?:__align__\s*\(\s*\d+\s*\)\s*)?[\w\s:]*?(\w+)\s*\[\s*\]\s*;")
_LETTERS = {"int32": "i", "int64": "l", "float32": "f", "float64": "d", "uint64": "pl"}
_NAMES = {"i": "an int of 32 bits", "l": "an integer of 64 bits", "f": "a float", "d": "a double", "p": "a pointer"}

_KERNEL = re.compile(r'\bextern\s+"C"\s+__global__\s+void\s+(?:__launch_bounds__\s*\([^)]*\)\s*)?(\w+)\s*\(')
_EXPORT = 'extern "C" __attribute__((visibility("default")))'
_UNIT = f"""
static thread_local unsigned char anchor;
{_EXPORT} unsigned char* cuda_on_cpu_anchor() {{{{ return &anchor; }}}}
"""
_FUNCTION = f"""
{_EXPORT} void cuda_on_cpu_call_{{0}}(void** arguments) {{{{ cuda_on_cpu::call(&::{{0}}, arguments); }}}}
{_EXPORT} const char* cuda_on_cpu_letters_{{0}}() {{{{ return cuda_on_cpu::letters(&::{{0}}); }}}}
"""


@dataclass(frozen=True, kw_only=True, eq=False)
class CpuKernel:
    """One kernel, loaded.

    Args:
        source: Which one.
        letters: Its parameters, a letter each: i l f d p.
        call, anchor, dynamic: Addresses of functions that the driver needs; `dynamic` may be 0.
    """

    source: KernelSource
    letters: str
    call: int
    anchor: int
    dynamic: int
    library: Any = field(repr=False)

    def check(self, arguments: tuple[Argument, ...]) -> None:
        """CUDA would take the bytes of wrong arguments for what they are not, and say nothing.

        Raises:
            KernelFault: Their number or types are not those of the parameters.
        """
        if len(arguments) != len(self.letters):
            raise KernelFault(f"{self.source}: takes {len(self.letters)} arguments, got {len(arguments)}")
        for index, (argument, letter) in enumerate(zip(arguments, self.letters, strict=True)):
            kind = type(argument).__name__
            if letter not in _LETTERS[kind]:
                raise KernelFault(f"{self.source}: parameter {index} is {_NAMES[letter]}, got {kind} {argument}")


@dataclass(frozen=True, kw_only=True, eq=False)
class _Module:
    """A .cu file with one set of constants, compiled and loaded."""

    library: Any
    functions: list[str]
    has_dynamic: bool


class CpuCompiler:
    """Compiles kernels into a folder, each file once for every set of constants.

    Args:
        folder: Where compiled kernels go; one for a test session.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._modules: dict[tuple[str, tuple[tuple[str, str], ...], Path], _Module] = {}
        self._kernels: dict[tuple[KernelSource, Path], CpuKernel] = {}
        driver = folder / "driver.so"
        _compile([*FLAGS, "-Wall", "-Wextra", "-Werror", "-o", str(driver), str(HERE / "driver.cpp")])
        self.driver = ctypes.CDLL(str(driver))
        self._driver_file = str(driver)
        self._sanitizers = SANITIZERS if _links_with(SANITIZERS, folder) else ()

    def load(self, source: KernelSource, *, root: Path = PACKAGE) -> CpuKernel:
        """The kernel, compiled where it has not been.

        Raises:
            KernelFault: It does not compile; with what the compiler says. Or the file has no such function.
        """
        if (source, root) not in self._kernels:
            self._kernels[source, root] = self._load(source, root)
        return self._kernels[source, root]

    def _load(self, source: KernelSource, root: Path) -> CpuKernel:
        key = source.file, source.defines, root
        if key not in self._modules:
            self._modules[key] = self._compile(source, root)
        module = self._modules[key]
        if source.function not in module.functions:
            raise KernelFault(
                f"{source.file} has no kernel {source.function!r}; it has {', '.join(module.functions) or 'none'}"
            )
        library = module.library
        letters = library[f"cuda_on_cpu_letters_{source.function}"]
        letters.restype = ctypes.c_char_p
        return CpuKernel(
            source=source,
            letters=letters().decode(),
            call=_address(library[f"cuda_on_cpu_call_{source.function}"]),
            anchor=_address(library.cuda_on_cpu_anchor),
            dynamic=_address(library.cuda_on_cpu_dynamic) if module.has_dynamic else 0,
            library=library,
        )

    def _compile(self, source: KernelSource, root: Path) -> _Module:
        texts = kernel_files(source.file, root=root)
        defines = [f"-D{name}={value}" for name, value in source.defines]
        path = self._folder / f"{len(self._modules)}_{Path(source.file).stem}.so"
        functions = [name for text in texts.values() for name in _KERNEL.findall(text)]
        unit = path.with_suffix(".cpp")
        unit.write_text(f'#include "{source.file}"\n{_UNIT.format()}' + "".join(map(_FUNCTION.format, functions)))
        units = [str(unit)]
        names = sorted({name for text in texts.values() for name in _DYNAMIC.findall(text)})
        if names:
            dynamic = path.with_suffix(".dynamic.cpp")
            dynamic.write_text(_dynamic_unit(names))
            units.append(str(dynamic))
        includes = [f"-I{root}", f"-I{PACKAGE}", "-include", str(HERE / "cuda_on_cpu.h")]
        try:
            _compile(
                [
                    *FLAGS,
                    *KERNEL_FLAGS,
                    *self._sanitizers,
                    *defines,
                    *includes,
                    "-o",
                    str(path),
                    *units,
                    self._driver_file,
                ]
            )
            library = ctypes.CDLL(str(path))
        except (subprocess.CalledProcessError, OSError) as error:
            said = getattr(error, "stderr", "") or error
            raise KernelFault(f"{source.file}{''.join(f' {define}' for define in defines)}: {said}") from error
        return _Module(library=library, functions=functions, has_dynamic=bool(names))


def _dynamic_unit(names: list[str]) -> str:
    """Definitions of arrays that kernels declare as `extern __shared__`, and a function that names them by number."""
    arrays = "".join(
        f"__attribute__((aligned(256))) thread_local unsigned char {name}[{MAX_SHARED_BYTES}];\n" for name in names
    )
    cases = "".join(f"    case {index}: return {name};\n" for index, name in enumerate(names))
    return (
        f"{arrays}{_EXPORT} unsigned char* cuda_on_cpu_dynamic(int index) {{\n"
        f"  switch (index) {{\n{cases}    default: return nullptr;\n  }}\n}}\n"
    )


def _address(function: Any) -> int:
    return int(ctypes.cast(function, ctypes.c_void_p).value or 0)


def _compile(arguments: list[str]) -> None:
    subprocess.run(["g++", *arguments], capture_output=True, text=True, check=True, timeout=100)


def _links_with(flags: tuple[str, ...], folder: Path) -> bool:
    """Whether the sanitizer's library is installed."""
    empty = folder / "empty.cpp"
    empty.write_text("int empty(int n) { return n + 1; }\n")
    try:
        _compile([*FLAGS, *flags, "-o", str(folder / "empty.so"), str(empty)])
    except subprocess.CalledProcessError:
        return False
    return True
