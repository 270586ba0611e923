"""What executes a model. TensorRT and ONNX Runtime look the same from here."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import TracebackType
from typing import Any, Protocol

from numpy.typing import NDArray

Tensors = Mapping[str, NDArray[Any]]
"""Arrays by tensor name, in the shapes and dtypes of the ModelSpec."""


class BackendKind(str, Enum):
    """Which runtime executes the model."""

    TENSORRT = "tensorrt"
    ONNXRUNTIME = "onnxruntime"
    AUTO = "auto"
    """TensorRT where it is, else ONNX Runtime, and says which.

    Commands only: a car must not fall to the CPU in silence.
    """


class Backend(Protocol):
    """A loaded model. `infer` may be called from several threads at once; `open` and `close` from one."""

    @property
    def name(self) -> str:
        """Runtime and version, for people, e.g. ``onnxruntime 1.20 (CPU)``."""

    def open(self) -> None:
        """Load the model and check that its inputs and outputs are those of the ModelSpec.

        Raises:
            ModelError: They are not, or the file is not a model.
            MissingError: The runtime is not installed.
        """

    def infer(self, inputs: Tensors) -> Tensors:
        """Run the model once. The returned arrays are the caller's.

        Raises:
            DeviceError: The runtime failed.
        """

    def close(self) -> None:
        """Free what `open` took. Harmless when called twice."""

    def __enter__(self) -> Backend: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
