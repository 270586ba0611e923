"""How wide and deep one network of the family is."""

from __future__ import annotations

from dataclasses import dataclass

STRIDES = (8, 16, 32)
"""Network pixels a cell of the three detection levels."""


@dataclass(frozen=True, kw_only=True)
class NetworkOptions:
    """One member of the family; another value means other weights.

    Args:
        class_count: Classes of the detection head.
        mask_class_count: Classes of the segmentation head.
        widths: Channels at strides 2, 4, 8, 16 and 32.
        depths: Residual blocks at strides 4, 8, 16 and 32.
        neck_width: Channels of the neck's three levels.
        head_width: Channels of the detection head's branches.
        mask_width: Channels of the segmentation head.
        thermal_widths: Channels of the thermal stream at strides 2, 4, 8, 16 and 32; None: one stream, RGB.

    Raises:
        ValueError: A width is not a positive even number or the tuples have other lengths.
    """

    class_count: int = 7
    mask_class_count: int = 3
    widths: tuple[int, ...] = (16, 32, 64, 128, 192)
    depths: tuple[int, ...] = (1, 2, 3, 2)
    neck_width: int = 64
    head_width: int = 64
    mask_width: int = 32
    thermal_widths: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        for name, values, count in (
            ("widths", self.widths, 5),
            ("thermal_widths", self.thermal_widths or (2,) * 5, 5),
            ("neck_width, head_width, mask_width", (self.neck_width, self.head_width, self.mask_width), 3),
        ):
            if len(values) != count or any(value < 2 or value % 2 for value in values):
                raise ValueError(f"NetworkOptions: {name} must be {count} positive even numbers, got {values}")
        if len(self.depths) != 4 or min(self.depths) < 0:
            raise ValueError(f"NetworkOptions: depths must be 4 numbers from 0 on, got {self.depths}")
