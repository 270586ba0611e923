"""The allocator keeps large buffers: measured as page faults of repeated 6 MB allocations, in a process of its own."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
from trt_perception.ros.malloc import tune_malloc
if sys.argv[1] == "tuned":
    assert tune_malloc()
def touch():
    for _ in range(30):
        bytes(bytearray(6_000_000))
touch()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
touch()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _page_faults(how: str) -> int:
    command = [sys.executable, "-c", PROGRAM, how]
    return int(subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="mallopt is glibc's")
def test_tuning_ends_the_page_faults_of_repeated_image_buffers() -> None:
    assert _page_faults("tuned") * 20 < _page_faults("default")
