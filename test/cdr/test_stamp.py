"""Stamps go through without loss."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trt_perception import DropReason, FrameError
from trt_perception.cdr.stamp import join_stamp, split_stamp

SECONDS = st.integers(-(2**31), 2**31 - 1)
NANOSECONDS = st.integers(0, 10**9 - 1)


@given(sec=SECONDS, nanosec=NANOSECONDS)
def test_every_stamp_comes_back_as_it_was(sec: int, nanosec: int) -> None:
    assert split_stamp(join_stamp(sec, nanosec)) == (sec, nanosec)


def test_half_a_second_before_zero_is_negative() -> None:
    assert join_stamp(-1, 500_000_000) == -500_000_000


@pytest.mark.parametrize("nanosec", [10**9, 2**32 - 1])
def test_nanoseconds_of_a_whole_second_are_malformed(nanosec: int) -> None:
    with pytest.raises(FrameError, match=str(nanosec)) as caught:
        join_stamp(5, nanosec)
    assert caught.value.reason is DropReason.MALFORMED


@pytest.mark.parametrize("stamp_ns", [2**31 * 10**9, -(2**31) * 10**9 - 1])
def test_a_stamp_beyond_int32_seconds_is_refused(stamp_ns: int) -> None:
    with pytest.raises(ValueError, match="int32"):
        split_stamp(stamp_ns)
