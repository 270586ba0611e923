"""The text of a kernel and of what it includes."""

from __future__ import annotations

from pathlib import Path

import pytest

from trt_perception.errors import MissingError
from trt_perception.runtime.kernel_files import PACKAGE, kernel_files


def test_finds_what_is_included_once_wherever_it_lies(tmp_path: Path) -> None:
    (tmp_path / "a.cu").write_text('#include "kernels/common.cuh"\n  # include "b.cuh"\n// #include "no.cuh"\n')
    (tmp_path / "b.cuh").write_text('#include "kernels/common.cuh"\n#include "b.cuh"\n')
    texts = kernel_files("a.cu", root=tmp_path)
    assert list(texts) == ["a.cu", "kernels/common.cuh", "b.cuh"]
    assert texts["kernels/common.cuh"] == (PACKAGE / "kernels" / "common.cuh").read_text()


@pytest.mark.parametrize("content", [None, b"\xff"], ids=["absent", "not_text"])
def test_a_damaged_installation_is_told(tmp_path: Path, content: bytes | None) -> None:
    (tmp_path / "a.cu").write_text('#include "kernels/missing.cuh"\n')
    if content is not None:
        (tmp_path / "kernels").mkdir()
        (tmp_path / "kernels" / "missing.cuh").write_bytes(content)
    with pytest.raises(MissingError, match=r"kernels/missing\.cuh cannot be read .*; install trt_perception again"):
        kernel_files("a.cu", root=tmp_path)
