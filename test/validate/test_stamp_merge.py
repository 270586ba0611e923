"""Records come in order of stamp, none is lost, whatever their stamps are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trt_perception.validate.frame_record import FrameRecord
from trt_perception.validate.stamp_merge import MOST_WAITING, WINDOW_NS, merged_by_stamp


def record(stamp_ns: int | None, log_time_ns: int, camera: str = "front") -> FrameRecord:
    return FrameRecord(bag="bag", camera=camera, stamp_ns=stamp_ns, log_time_ns=log_time_ns)


def stamps(records: list[FrameRecord]) -> list[int | None]:
    return [found.stamp_ns for found, _ in merged_by_stamp((item, None) for item in records)]


def test_cameras_are_merged_by_stamp() -> None:
    records = [record(20, 100), record(10, 110), record(30, 120), record(10, 130, "back")]
    merged = [(found.stamp_ns, found.camera) for found, _ in merged_by_stamp((item, None) for item in records)]
    assert merged == [(10, "back"), (10, "front"), (20, "front"), (30, "front")]


def test_what_comes_later_than_the_window_comes_out_of_order() -> None:
    assert stamps([record(5, 0), record(7, 2 * WINDOW_NS), record(4, 2 * WINDOW_NS + 1)]) == [5, 4, 7]


def test_an_image_without_stamp_stands_where_it_was_logged() -> None:
    records = [record(1000, 0), record(None, 10), record(1020, 20), record(1005, 30)]
    assert stamps(records) == [1000, 1005, None, 1020]


def test_stamps_that_run_backwards_do_not_fill_the_memory() -> None:
    count = 0

    def backwards() -> object:
        nonlocal count
        for index in range(3 * MOST_WAITING):
            count += 1
            yield record(-index, index), index

    merged = merged_by_stamp(backwards())  # type: ignore[arg-type]
    next(merged)
    assert count <= MOST_WAITING + 2
    assert len([1 for _ in merged]) == 3 * MOST_WAITING - 1


@given(st.lists(st.tuples(st.one_of(st.none(), st.integers(-(10**10), 10**10)), st.integers(0, 10**10)), max_size=40))
def test_nothing_is_lost_and_the_order_is_the_same_every_time(pairs: list[tuple[int | None, int]]) -> None:
    records = [record(stamp, log_time) for stamp, log_time in sorted(pairs, key=lambda pair: pair[1])]
    merged = list(merged_by_stamp((item, index) for index, item in enumerate(records)))
    assert sorted(index for _, index in merged) == list(range(len(records)))
    assert all(records[index] is item for item, index in merged)
