"""A backend that finds nothing, at once: for measuring everything around the model."""

from __future__ import annotations

import numpy as np

from trt_perception.model.model_spec import ModelSpec
from trt_perception.runtime.backend import Tensors
from trt_perception.runtime.open_and_close import OpenAndClose


class NullBackend(OpenAndClose):
    """Gives outputs of zeros, in which no head finds an object. Pipelines neither decode nor preprocess for it.

    Args:
        spec: The model whose output shapes and dtypes it takes on.
    """

    reads_inputs = False
    """Whether `infer` looks at its inputs; without it a pipeline makes none."""

    def __init__(self, spec: ModelSpec) -> None:
        self._outputs = {output.name: np.zeros(output.shape, output.dtype.value) for output in spec.outputs}
        for output in self._outputs.values():
            output.flags.writeable = False

    @property
    def name(self) -> str:
        """What it is."""
        return "null (finds nothing)"

    def open(self) -> None:
        """Nothing to load."""

    def infer(self, inputs: Tensors) -> Tensors:
        """The same read-only zeros for every frame."""
        return self._outputs

    def close(self) -> None:
        """Nothing to free."""
