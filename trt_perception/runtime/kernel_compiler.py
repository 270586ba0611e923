"""Compiles kernels with NVRTC. Needs the CUDA packages, but neither a GPU nor a driver."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from trt_perception.errors import DeviceError, MissingError
from trt_perception.kernel_call import KernelSource
from trt_perception.runtime.kernel_cache import KernelCache
from trt_perception.runtime.kernel_files import PACKAGE, kernel_files

OPTIONS: dict[str, Any] = {"std": "c++17", "fma": False}
"""Of every compilation. Products are rounded before they are added, as NumPy and the CPU do it."""

_SCHEMA = "1"


class KernelCompiler:
    """NVRTC, with what it has compiled before.

    Args:
        cache: Where compiled kernels are kept. None: nowhere.

    Raises:
        MissingError: The CUDA packages, or NVRTC, are not installed.
    """

    def __init__(self, *, cache: KernelCache | None = None) -> None:
        try:
            from cuda import core
            from cuda.bindings import nvrtc
        except ImportError as error:
            raise MissingError(
                f"the Python packages cuda-core and cuda-bindings cannot be imported ({error})",
                "run: pip install cuda-core 'cuda-bindings==12.*' (or 13.*, as the CUDA that nvidia-smi shows)",
            ) from error
        self._core: Any = core
        self._cache = cache
        try:
            self.version = _version(nvrtc)
            self._architectures = _architectures(nvrtc)
        except Exception as error:  # the packages raise a private class where the library is absent
            raise MissingError(
                f"NVRTC, which compiles kernels, cannot be loaded ({' '.join(str(error).split())})",
                "run: pip install 'nvidia-cuda-nvrtc==13.*' (CUDA 12: nvidia-cuda-nvrtc-cu12), or install the "
                "CUDA toolkit",
            ) from error

    def architecture(self, compute_capability: tuple[int, int]) -> str:
        """What to compile for so that a device of this compute capability runs it, e.g. `sm_90`.

        Raises:
            MissingError: This NVRTC is older than the GPU, or too new for it.
        """
        major, minor = compute_capability
        fitting = [number for number in self._architectures if number // 10 == major and number % 10 <= minor]
        if not fitting:
            known = f"sm_{self._architectures[0]} to sm_{self._architectures[-1]}"
            raise MissingError(
                f"NVRTC {self.version} compiles for {known}, and the GPU is sm_{major}{minor}",
                "install an NVRTC that knows it: pip install --upgrade nvidia-cuda-nvrtc",
            )
        return f"sm_{fitting[-1]}"

    def compile(self, source: KernelSource, architecture: str, *, root: Path = PACKAGE) -> bytes:
        """All kernels of the source's file, with its constants, as a cubin.

        Args:
            source: Its function plays no part.
            architecture: E.g. `sm_90`.
            root: Where the file lies.

        Raises:
            DeviceError: It does not compile; with NVRTC's log.
            MissingError: The file is not there.
        """
        texts = kernel_files(source.file, root=root)
        key = self._key(source, architecture, texts)
        code = self._cache.load(key) if self._cache else None
        if code is None:
            code = self._compile(source, architecture, texts[source.file], root)
            if self._cache:
                self._cache.store(key, code)
        return code

    def _compile(self, source: KernelSource, architecture: str, text: str, root: Path) -> bytes:
        options = self._core.ProgramOptions(
            name=source.file,
            arch=architecture,
            define_macro=list(source.defines) or None,
            include_path=[str(root), str(PACKAGE)],
            no_source_include=True,
            **OPTIONS,
        )
        try:
            return bytes(self._core.Program(text, "c++", options).compile("cubin").code)
        except Exception as error:  # a private class with NVRTC's log
            defines = "".join(f" -D{name}={value}" for name, value in source.defines)
            raise DeviceError(
                f"{source.file}{defines} does not compile with NVRTC {self.version} for {architecture}: {error}"
            ) from error

    def _key(self, source: KernelSource, architecture: str, texts: dict[str, str]) -> str:
        parts = {
            "schema": _SCHEMA,
            "nvrtc": self.version,
            "architecture": architecture,
            "options": str(sorted(OPTIONS.items())),
            "defines": str(source.defines),
            **{f"file {name}": text for name, text in texts.items()},
        }
        digest = hashlib.sha256()
        for name, value in parts.items():
            digest.update(f"{name} {len(value.encode())}\n{value}\n".encode())
        return digest.hexdigest()


def _version(nvrtc: Any) -> str:
    _, major, minor = nvrtc.nvrtcVersion()
    return f"{major}.{minor}"


def _architectures(nvrtc: Any) -> list[int]:
    """Major and minor in one number, ascending: 75 ... 121."""
    return sorted(int(number) for number in nvrtc.nvrtcGetSupportedArchs()[1])
