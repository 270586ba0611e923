"""Libraries of operators that TensorRT does not have itself."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trt_perception.engine.error_recorder import make_error_recorder
from trt_perception.errors import ConfigError, MissingError

_FACTORIES = ("getCreators", "getPluginCreators")
_ASKED: set[tuple[str, str]] = set()


def load_plugins(trt: Any, paths: Sequence[str], logger: Any) -> None:
    """Make TensorRT's own plugins and those of the libraries known; before a graph is parsed or a plan is loaded.

    Args:
        trt: The TensorRT module.
        paths: The libraries; they stay loaded while the process lives.
        logger: A TensorRT logger.

    Raises:
        MissingError: A library is not there.
        ConfigError: A file is no library of TensorRT plugins, or one for another TensorRT.
    """
    if hasattr(trt, "init_libnvinfer_plugins"):
        trt.init_libnvinfer_plugins(logger, "")
    for path in paths:
        _read(path)
        try:
            _load(trt, str(Path(path).resolve()))
        except (OSError, RuntimeError, TypeError) as error:
            raise ConfigError(
                "engine option plugins", f"{path} cannot be loaded: {error}", "build it for this machine's TensorRT"
            ) from error


def _load(trt: Any, path: str) -> None:
    """Plugins of the older kind register themselves when their library is loaded; the newer ones are asked for."""
    library = ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)
    if not any(hasattr(library, name) for name in _FACTORIES):
        return
    if (trt.__name__, path) in _ASKED:  # TensorRT refuses to register a plugin twice
        return
    registry = trt.get_plugin_registry()
    registry.error_recorder = recorder = make_error_recorder(trt)
    try:
        if registry.load_library(path) is None:
            raise RuntimeError("; ".join(recorder.texts()) or "TensorRT's plugin registry refuses it")
    finally:
        registry.error_recorder = None
    _ASKED.add((trt.__name__, path))


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise MissingError(
            f"plugin library {path}: {error.strerror or error}", "correct its path under the engine option `plugins`"
        ) from error
