"""How the bytes of a frame lie in memory, apart from the bytes themselves."""

from __future__ import annotations

from dataclasses import dataclass

from trt_perception.encoding import Encoding
from trt_perception.frame import Frame


@dataclass(frozen=True, kw_only=True)
class FrameLayout:
    """What frames have in common that one captured graph can serve. Hashable: another layout is another capture.

    Args:
        encoding: How the bytes are to be read.
        width: Pixels in a row.
        height: Rows of pixels.
        step: Bytes from one row to the next.
    """

    encoding: Encoding
    width: int
    height: int
    step: int

    @staticmethod
    def of(frame: Frame) -> FrameLayout:
        """The layout of one frame."""
        return FrameLayout(encoding=frame.encoding, width=frame.width, height=frame.height, step=frame.step)

    @property
    def nbytes(self) -> int:
        """Bytes of `Frame.data` that are read, from the first: up to the last pixel, without padding behind it."""
        return self.step * (self.encoding.row_count(self.height) - 1) + self.encoding.row_bytes(self.width)
