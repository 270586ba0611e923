"""Images sorted by stamp within a window, none lost."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trt_perception.bag.bag_image import BagImage
from trt_perception.bag.bag_topic import BagMessage
from trt_perception.bag.stamp_order import in_stamp_order
from trt_perception.cdr import IMAGE_TYPE, encode_image


def image(stamp_ns: int | None) -> BagImage:
    data = b"\0"
    if stamp_ns is not None:
        data = encode_image(np.zeros((1, 1), np.uint8), stamp_ns=stamp_ns, frame_id="", encoding="mono8")
    message = BagMessage(topic="/front/image", type_name=IMAGE_TYPE, log_time_ns=0, data=data)
    return BagImage(camera="front", message=message)


@given(stamps=st.lists(st.none() | st.integers(-1000, 1000), max_size=30), window_ns=st.integers(0, 500))
def test_no_image_is_lost(stamps: list[int | None], window_ns: int) -> None:
    images = [image(stamp_ns) for stamp_ns in stamps]
    assert sorted(map(id, in_stamp_order(images, window_ns=window_ns))) == sorted(map(id, images))


@given(places=st.lists(st.integers(0, 1000), max_size=30), late=st.data())
def test_disorder_within_the_window_is_mended(places: list[int], late: st.DataObject) -> None:
    stamps = [place - late.draw(st.integers(0, 50)) for place in sorted(places)]
    ordered = [item.stamp_ns for item in in_stamp_order(map(image, stamps), window_ns=50)]
    assert ordered == sorted(stamps)


def test_equal_stamps_keep_their_order() -> None:
    images = [image(5), image(5), image(4), image(5)]
    assert list(in_stamp_order(images, window_ns=10)) == [images[2], images[0], images[1], images[3]]


def test_an_image_waits_no_longer_than_the_window() -> None:
    taken = []

    def arriving() -> object:
        for stamp_ns in range(0, 1000, 100):
            taken.append(stamp_ns)
            yield image(stamp_ns)

    assert next(in_stamp_order(arriving(), window_ns=300)).stamp_ns == 0
    assert taken == [0, 100, 200, 300]


def test_one_that_is_too_late_comes_out_of_order() -> None:
    ordered = [item.stamp_ns for item in in_stamp_order(map(image, [0, 100, 200, 50, 300]), window_ns=100)]
    assert ordered == [0, 100, 50, 200, 300]
