"""Whether an input of a model can be made from one image."""

from __future__ import annotations

from trt_perception.errors import ConfigError
from trt_perception.model.model_spec import InputSpec, TensorType
from trt_perception.model.preprocess_options import ChannelOrder

_TYPES = (TensorType.FLOAT32, TensorType.FLOAT16, TensorType.UINT8, TensorType.INT8)


def check_image_input(spec: InputSpec) -> None:
    """Refuse what is no image of one frame.

    Raises:
        ConfigError: Batch, channels or dtype do not fit.
    """
    where = f"inputs.{spec.name}"
    if spec.shape[0] != 1:
        raise ConfigError(f"{where}.shape", f"expected a batch of 1, got {spec.shape[0]}", "export the model for one")
    channels = 1 if spec.preprocess.channel_order is ChannelOrder.MONO else 3
    if spec.channels != channels:
        raise ConfigError(
            f"{where}.shape",
            f"channel order {spec.preprocess.channel_order.value} and layout {spec.preprocess.layout.value} need "
            f"{channels} channels, got {spec.channels} in {list(spec.shape)}",
            "set preprocess.channel_order and preprocess.layout as the model was trained",
        )
    if spec.dtype not in _TYPES:
        raise ConfigError(
            f"{where}.dtype", f"an image can be {', '.join(t.value for t in _TYPES)}, got {spec.dtype.value}"
        )
