"""How an image becomes one input tensor."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from trt_perception.errors import ConfigError
from trt_perception.options.option import option


class Resize(str, Enum):
    """How an image of another shape is fitted to the network's size."""

    LETTERBOX = "letterbox"
    """Aspect ratio kept, image centred, the rest padded."""
    LETTERBOX_TOP_LEFT = "letterbox_top_left"
    """Aspect ratio kept, image at the top left, the rest padded."""
    STRETCH = "stretch"
    """Both sides scaled to fit, aspect ratio not kept."""


class Interpolation(str, Enum):
    """How pixels between pixels are made."""

    BILINEAR = "bilinear"
    """cv2.INTER_LINEAR: what models are usually trained and evaluated with."""
    AREA = "area"
    """cv2.INTER_AREA: mean over the covered area; other scores than bilinear on strong reductions."""


class ChannelOrder(str, Enum):
    """Order of the channels in the tensor."""

    RGB = "rgb"
    BGR = "bgr"
    MONO = "mono"


class Layout(str, Enum):
    """Order of the axes of an image tensor."""

    NCHW = "nchw"
    NHWC = "nhwc"


@dataclass(frozen=True, kw_only=True)
class PreprocessOptions:
    """How an image becomes one input tensor: crop, resize, pad, channel order, ``(x * scale - mean) / std``, layout.

    Fixed for the life of an engine: calibration and inference must see the same pixels.

    Raises:
        ConfigError: Negative crop, standard deviation zero, pad value outside 0 to 255.
    """

    resize: Resize = option(Resize.LETTERBOX, description="How an image of another shape is fitted.")
    interpolation: Interpolation = option(Interpolation.BILINEAR, description="How pixels between pixels are made.")
    crop: tuple[int, int, int, int] | None = option(
        None, description="Part of the received image that the network sees: x, y, width, height in px. None: all."
    )
    pad_value: int = option(114, description="Grey level of the padding, before normalisation.", minimum=0, maximum=255)
    channel_order: ChannelOrder = option(ChannelOrder.RGB, description="Order of the channels in the tensor.")
    scale: float = option(1.0 / 255.0, description="Factor on the 0 to 255 pixel values.")
    mean: tuple[float, float, float] = option(
        (0.0, 0.0, 0.0), description="Subtracted after the factor, in the tensor's channel order."
    )
    std: tuple[float, float, float] = option(
        (1.0, 1.0, 1.0), description="Divided by after the mean, in the tensor's channel order."
    )
    layout: Layout = option(Layout.NCHW, description="Order of the tensor's axes.")

    def __post_init__(self) -> None:
        if self.crop is not None and (min(self.crop[:2]) < 0 or min(self.crop[2:]) < 1):
            raise ConfigError("preprocess.crop", f"expected x, y >= 0 and width, height >= 1, got {list(self.crop)}")
        if 0.0 in self.std:
            raise ConfigError("preprocess.std", f"expected values other than 0, got {list(self.std)}")
