"""Whether a context's outputs are those of the model."""

from __future__ import annotations

from trt_perception.errors import EngineError
from trt_perception.model.model_spec import ModelSpec
from trt_perception.runtime.engine_context import EngineContext


def check_outputs(context: EngineContext, spec: ModelSpec, *, engine: object) -> None:
    """Compare their shapes: what the engine leaves open is known only once the inputs have theirs.

    Args:
        context: With the shapes of the model's inputs.
        spec: The model.
        engine: The engine file, for the error.

    Raises:
        EngineError: An output has another shape than the spec says.
    """
    shapes = {tensor.name: tensor.shape for tensor in context.outputs}
    for output in spec.outputs:
        if shapes[output.name] != output.shape:
            raise EngineError(
                engine,
                f"output {output.name!r} at the spec's input shapes",
                "correct `outputs` in the model's YAML",
                expected=str(list(output.shape)),
                got=str(list(shapes[output.name])),
            )
