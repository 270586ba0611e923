"""The driver's own library, with one that stands in for libcuda."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from trt_perception.engine.cuda_driver import CudaDriver

QUEUES = "CUDA_DEVICE_MAX_CONNECTIONS"

LIBCUDA = """
#include <stdlib.h>
extern "C" {
int connections = -1;
int cuInit(unsigned flags) {
    const char *wanted = getenv("CUDA_DEVICE_MAX_CONNECTIONS");
    connections = wanted ? atoi(wanted) : 0;
    return 0;
}
}
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("needs g++")
    source = Path(tmp_path_factory.mktemp("libcuda")) / "libcuda.cpp"
    source.write_text(LIBCUDA)
    made = source.with_suffix(".so")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(made), str(source)], check=True)
    return ctypes.CDLL(str(made))


@pytest.mark.parametrize(("given", "found"), [(None, 32), ("4", 4)], ids=["not given", "given"])
def test_cuda_starts_with_a_queue_a_stream_unless_told_otherwise(
    library: ctypes.CDLL, monkeypatch: pytest.MonkeyPatch, given: str | None, found: int
) -> None:
    monkeypatch.setenv(QUEUES, given or "")  # so that what is set meanwhile is undone
    if given is None:
        del os.environ[QUEUES]
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    CudaDriver()
    assert ctypes.c_int.in_dll(library, "connections").value == found
