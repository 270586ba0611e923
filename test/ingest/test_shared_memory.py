"""Memory without a name: allocated at once, refused with numbers, and had where memfd_create is not."""

from __future__ import annotations

import mmap
import os
import re
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from trt_perception.errors import FrameError
from trt_perception.ingest import shared_memory
from trt_perception.ingest.shared_memory import available_bytes, extend_memory, make_memory, map_memory

PAGE = mmap.PAGESIZE


@pytest.fixture(params=["memfd", "unnamed_file"])
def memory(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    if request.param == "unnamed_file":
        monkeypatch.delattr(os, "memfd_create")
    memory = make_memory("test")
    yield memory
    os.close(memory)


def test_two_mappings_see_the_same_bytes_and_other_parts_stay_apart(memory: int) -> None:
    with extend_memory(memory, 0, PAGE) as first, extend_memory(memory, PAGE, 2 * PAGE) as second:
        first[:5], second[:5] = b"first", b"other"
        with map_memory(memory, PAGE, 2 * PAGE) as again:
            assert (first[:5], again[:5]) == (b"first", b"other")
        assert os.fstat(memory).st_blocks * 512 >= 3 * PAGE


def test_more_than_there_is_is_refused_with_both_numbers(memory: int) -> None:
    with pytest.raises(FrameError, match=r"no_room: the ring needs \d+ bytes of shared memory, \d+ are") as caught:
        extend_memory(memory, 0, 1 << 50)
    needed, there = map(int, re.findall(r"\d{4,}", str(caught.value)))
    assert needed == 1 << 50
    assert there == pytest.approx(available_bytes(memory), rel=0.2)
    assert os.fstat(memory).st_blocks == 0


def test_half_of_what_there_is_is_left_to_others(memory: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_memory, "available_bytes", lambda memory: 4 * PAGE)
    with pytest.raises(FrameError, match="no_room"):
        extend_memory(memory, 0, 3 * PAGE)
    extend_memory(memory, 0, 2 * PAGE).close()


def test_a_containers_limit_counts_and_what_it_only_caches_does_not(
    memory: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(shared_memory, "CGROUP", tmp_path)
    before = available_bytes(memory)
    for name, text in {
        "memory.max": f"{100 * PAGE}\n",
        "memory.current": f"{90 * PAGE}\n",
        "memory.stat": f"anon {40 * PAGE}\ninactive_file {20 * PAGE}\nactive_file {10 * PAGE}\n",
    }.items():
        (tmp_path / name).write_text(text)
    assert available_bytes(memory) == 40 * PAGE
    (tmp_path / "memory.max").write_text("max\n")
    assert available_bytes(memory) == pytest.approx(before, rel=0.2)


def test_what_the_system_refuses_is_refused_the_same_way(memory: int) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (PAGE, limits[1]))
    try:
        with pytest.raises(FrameError, match=f"needs {2 * PAGE} bytes"):
            extend_memory(memory, 0, 2 * PAGE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_it_has_no_name_in_any_file_system(memory: int) -> None:
    assert os.fstat(memory).st_nlink == 0
