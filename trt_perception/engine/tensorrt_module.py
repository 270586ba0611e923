"""The module that is TensorRT: tensorrt (8.6, 10, 11) or TensorRT-RTX. Everything here takes it as a value."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from trt_perception.errors import MissingError
from trt_perception.options.option import option

_REMEDIES = {
    "tensorrt": "pip install tensorrt, or on a Jetson apt-get install python3-libnvinfer",
    "tensorrt_rtx_bindings": "pip install tensorrt-rtx-cu13-libs tensorrt-rtx-cu13-bindings",
}


@dataclass(frozen=True, kw_only=True)
class TensorRtIdentity:
    """Which TensorRT it is: an engine of another one cannot be loaded."""

    flavour: str = option(description="tensorrt or tensorrt_rtx.")
    version: str = option(description="Its version, e.g. 10.15.1.29.")

    @property
    def module(self) -> str:
        """Name of the Python module that loads its engines."""
        return "tensorrt_rtx_bindings" if self.flavour == "tensorrt_rtx" else "tensorrt"

    def __str__(self) -> str:
        return f"{'TensorRT-RTX' if self.flavour == 'tensorrt_rtx' else 'TensorRT'} {self.version}"


def load_tensorrt(name: str = "tensorrt") -> Any:
    """Import TensorRT; the only place that does.

    Args:
        name: Of the Python module: tensorrt or tensorrt_rtx_bindings.

    Raises:
        MissingError: It is not installed, or libraries that it needs are not.
    """
    try:
        return importlib.import_module(name)
    except (ImportError, OSError) as error:  # OSError: a library that its package loads is not there
        raise MissingError(
            f"the Python package {name} cannot be imported ({error})", _REMEDIES.get(name, _REMEDIES["tensorrt"])
        ) from error


def identify(trt: Any) -> TensorRtIdentity:
    """Flavour and version of a TensorRT module."""
    flavour = "tensorrt_rtx" if "tensorrt_rtx" in trt.__name__ else "tensorrt"
    return TensorRtIdentity(flavour=flavour, version=str(trt.__version__))
