"""Images in the order of their stamps, where a bag has them in the order of their arrival."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator

from trt_perception.bag.bag_image import BagImage


def in_stamp_order(images: Iterable[BagImage], *, window_ns: int = 500_000_000) -> Iterator[BagImage]:
    """The same images, sorted by header stamp as far as a window of time reaches.

    An image waits until a stamp has been seen that is `window_ns` newer, so memory holds the images of that span. One
    that comes later than that is not lost: it comes out of order. Images without a readable stamp come at once.

    Args:
        images: Images in order of their log times.
        window_ns: How much later than a newer image one may come, nanoseconds.
    """
    waiting: list[tuple[int, int, BagImage]] = []
    newest_ns: int | None = None
    for number, image in enumerate(images):
        stamp_ns = image.stamp_ns
        if stamp_ns is None:
            yield image
            continue
        newest_ns = stamp_ns if newest_ns is None else max(newest_ns, stamp_ns)
        heapq.heappush(waiting, (stamp_ns, number, image))
        while waiting and waiting[0][0] <= newest_ns - window_ns:
            yield heapq.heappop(waiting)[2]
    while waiting:
        yield heapq.heappop(waiting)[2]
