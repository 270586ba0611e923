"""A layout says as many bytes as a frame needs, and is the same for the same way of lying in memory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trt_perception.encoding import Encoding
from trt_perception.errors import DropReason, FrameError
from trt_perception.frame import Frame
from trt_perception.preprocess.frame_layout import FrameLayout

side = st.integers(1, 40)


def frame_of(layout: FrameLayout, nbytes: int) -> Frame:
    return Frame(
        camera="front",
        stamp_ns=1,
        frame_id="front",
        encoding=layout.encoding,
        width=layout.width,
        height=layout.height,
        step=layout.step,
        data=np.zeros(nbytes, np.uint8),
    )


@given(encoding=st.sampled_from(list(Encoding)), width=side, height=side, padding=st.integers(0, 9))
def test_a_frame_needs_these_bytes_and_no_more(encoding: Encoding, width: int, height: int, padding: int) -> None:
    layout = FrameLayout(encoding=encoding, width=width, height=height, step=encoding.row_bytes(width) + padding)
    assert FrameLayout.of(frame_of(layout, layout.nbytes)) == layout
    with pytest.raises(FrameError) as caught:
        frame_of(layout, layout.nbytes - 1)
    assert caught.value.reason is DropReason.SHORT_DATA


def test_layouts_are_keys() -> None:
    layout = FrameLayout(encoding=Encoding.NV12, width=7, height=3, step=8)
    assert {layout: 1}[FrameLayout.of(frame_of(layout, 100))] == 1
