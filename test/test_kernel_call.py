"""What cannot be launched is refused where it is described."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from trt_perception.kernel_call import KernelCall, KernelSource

SOURCE = KernelSource(file="decode/boxes.cu", function="score_filter", defines=(("CLASSES", "80"),))
CALL = KernelCall(
    source=SOURCE, grid=(4, 1, 1), block=(256, 1, 1), arguments=(np.uint64(4096), np.int32(7), np.float32(0.5))
)


def test_calls_are_values() -> None:
    assert replace(CALL, arguments=(np.uint64(4096), np.int32(7), np.float32(0.5))) == CALL
    assert len({CALL, replace(CALL), replace(CALL, grid=(5, 1, 1))}) == 2


def test_a_source_names_itself_for_errors() -> None:
    assert str(SOURCE) == "decode/boxes.cu: score_filter -DCLASSES=80"


BAD_SOURCES = {
    "not_cu": ({"file": "decode/boxes.cpp"}, r"must be a \.cu file of the package, got 'decode/boxes\.cpp'"),
    "absolute": ({"file": "/tmp/boxes.cu"}, "must be a .cu file of the package"),
    "outside": ({"file": "../boxes.cu"}, "must be a .cu file of the package"),
    "function": ({"function": "score-filter"}, "expected a name of C, got 'score-filter'"),
    "define": ({"defines": (("A B", "1"),)}, "expected a name of C, got 'A B'"),
    "number": ({"defines": (("CLASSES", 80),)}, "CLASSES must be one line of text, got 80"),
    "two_lines": ({"defines": (("CLASSES", "80\n#error"),)}, "CLASSES must be one line of text"),
    "twice": ({"defines": (("CLASSES", "80"), ("CLASSES", "81"))}, "must be unique, got CLASSES, CLASSES"),
}


@pytest.mark.parametrize(("change", "problem"), BAD_SOURCES.values(), ids=BAD_SOURCES.keys())
def test_a_source_that_cannot_be_compiled_is_refused(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        replace(SOURCE, **change)


BAD_CALLS = {
    "no_block": ({"grid": (0, 1, 1)}, ValueError, r"grid must be 1 to .* got \(0, 1, 1\)"),
    "many_rows": ({"grid": (1, 65536, 1)}, ValueError, r"grid must be 1 to .* got \(1, 65536, 1\)"),
    "two_numbers": ({"block": (32, 1)}, ValueError, r"block must be 1 to .* in x, y, z, got \(32, 1\)"),
    "deep": ({"block": (1, 1, 65)}, ValueError, "block must be 1 to"),
    "threads": ({"block": (64, 32, 1)}, ValueError, "at most 1024 threads, got 2048"),
    "shared": ({"shared_bytes": 49153}, ValueError, "shared_bytes must be 0 to 49152, got 49153"),
    "python_number": ({"arguments": (7,)}, TypeError, "argument 0 must be int32, .*uint64, got int 7"),
    "narrow": ({"arguments": (np.uint64(1), np.int8(7))}, TypeError, "argument 1 must be .*, got int8"),
}


@pytest.mark.parametrize(("change", "kind", "problem"), BAD_CALLS.values(), ids=BAD_CALLS.keys())
def test_a_call_that_cannot_be_launched_is_refused(change: dict[str, Any], kind: type[Exception], problem: str) -> None:
    with pytest.raises(kind, match=problem):
        replace(CALL, **change)
