"""Libraries of operators that TensorRT does not have itself."""

from __future__ import annotations

import ctypes
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trt_perception.engine.error_recorder import make_error_recorder
from trt_perception.engine.sealed_file import sealed_path
from trt_perception.errors import ConfigError, EngineError, MissingError

_FACTORIES = ("getCreators", "getPluginCreators")
_SEALED: dict[str, str] = {}
"""Path of the copy of a library, by its sha256: the same content is loaded once."""
_ASKED: set[tuple[str, str]] = set()


def load_plugins(trt: Any, plugins: Mapping[str, str], logger: Any) -> None:
    """Make TensorRT's own plugins and those of the libraries known; before a graph is parsed or a plan is loaded.

    Each file is read once, and what is hashed is what is loaded: from a copy in memory, where the system has such.
    Beside that the loader finds no further libraries: those stand before it in `plugins`, or where the system looks.

    Args:
        trt: The TensorRT module.
        plugins: The sha256 of each library by its path, in the order of loading; an empty text where any will do. They
            stay loaded while the process lives.
        logger: A TensorRT logger.

    Raises:
        MissingError: A library is not there.
        EngineError: A library has another sha256.
        ConfigError: A file is no library of TensorRT plugins, or one for another TensorRT.
    """
    if hasattr(trt, "init_libnvinfer_plugins"):
        trt.init_libnvinfer_plugins(logger, "")
    for path, expected in plugins.items():
        data = _read(path)
        digest = hashlib.sha256(data).hexdigest()
        if expected and digest != expected:
            raise EngineError(
                path,
                "sha256 of the plugin library",
                "it was changed: put back the one that the engine was built with, or build the engine again",
                expected=expected[:16],
                got=digest[:16],
            )
        place = _sealed(data, digest, Path(path).name) or str(Path(path).resolve())
        try:
            _load(trt, place, digest)
        except (OSError, RuntimeError, TypeError) as error:
            raise ConfigError(
                "engine option plugins",
                f"{path} cannot be loaded: {str(error).replace(place, Path(path).name)}",
                "build it for this machine's TensorRT; libraries that it needs stand before it in `plugins`, or in "
                "LD_LIBRARY_PATH",
            ) from error


def _load(trt: Any, place: str, digest: str) -> None:
    """Plugins of the older kind register themselves when their library is loaded; the newer ones are asked for."""
    library = ctypes.CDLL(place, mode=ctypes.RTLD_GLOBAL)
    if not any(hasattr(library, name) for name in _FACTORIES):
        return
    if (trt.__name__, digest) in _ASKED:  # TensorRT refuses to register a plugin twice
        return
    registry = trt.get_plugin_registry()
    registry.error_recorder = recorder = make_error_recorder(trt)
    try:
        if registry.load_library(place) is None:
            raise RuntimeError("; ".join(recorder.texts()) or "TensorRT's plugin registry refuses it")
    finally:
        registry.error_recorder = None
    _ASKED.add((trt.__name__, digest))


def _sealed(data: bytes, digest: str, name: str) -> str | None:
    if digest not in _SEALED and (place := sealed_path(data, name)) is not None:
        _SEALED[digest] = place
    return _SEALED.get(digest)


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise MissingError(
            f"plugin library {path}: {error.strerror or error}", "correct its path under the engine option `plugins`"
        ) from error
