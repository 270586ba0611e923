"""NVTX ranges, with a stand-in for the package."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from trt_perception.runtime.trace_ranges import TraceRanges


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []

    @contextmanager
    def annotate(message: str, *, domain: str) -> Iterator[None]:
        found.append((domain, f"begin {message}"))
        yield
        found.append((domain, f"end {message}"))

    monkeypatch.setitem(sys.modules, "nvtx", SimpleNamespace(annotate=annotate))
    return found


def test_a_range_lasts_as_long_as_its_context(seen: list[tuple[str, str]]) -> None:
    ranges = TraceRanges("front", is_on=True)
    with ranges("wait for objects"):
        assert seen == [("trt_perception", "begin front: wait for objects")]
    assert seen[1:] == [("trt_perception", "end front: wait for objects")]


@pytest.mark.parametrize(("is_on", "is_here"), [(False, True), (True, False)], ids=["off", "no_package"])
def test_nothing_is_made_where_it_is_off_or_the_package_is_missing(
    seen: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch, is_on: bool, is_here: bool
) -> None:
    if not is_here:
        monkeypatch.setitem(sys.modules, "nvtx", None)
    with TraceRanges("front", is_on=is_on)("anything"):
        pass
    assert seen == []
