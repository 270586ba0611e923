"""The bag library, loaded on first use: the package imports without it."""

from __future__ import annotations

import importlib
from functools import cache
from types import ModuleType

from trt_perception.errors import MissingError


def load_rosbags(module: str) -> ModuleType:
    """A module of the rosbags package, e.g. ``rosbags.rosbag2``.

    Raises:
        MissingError: rosbags is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingError(
            f"the bag library cannot be imported ({error})", "pip install 'trt_perception[bags]'"
        ) from error


@cache
def load_zstd() -> ModuleType:
    """The zstandard module that comes with rosbags, or with Python from 3.14 on."""
    try:
        return importlib.import_module("compression.zstd")
    except ImportError:
        return load_rosbags("backports.zstd")


@cache
def load_lz4() -> ModuleType:
    """The lz4.frame module, which comes with rosbags."""
    return load_rosbags("lz4.frame")
