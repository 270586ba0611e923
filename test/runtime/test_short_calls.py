"""Calls of the driver that keep the interpreter lock, with a library that stands in for libcuda."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from trt_perception.runtime.short_calls import ShortCalls

LIBCUDA = """
#include <unistd.h>
extern "C" {
void *seen[4];
unsigned flags = 77, sleep_us = 0;
int status = 0;
volatile long counter = 0;
long before = -1, after = -2;

int cuEventRecord(void *event, void *stream) {
    seen[0] = event, seen[1] = stream;
    before = counter;
    usleep(sleep_us);
    after = counter;
    return status;
}
int cuGraphLaunch(void *graph, void *stream) {
    seen[0] = graph, seen[1] = stream;
    return status;
}
int cuMemcpyDtoHAsync_v2(void *host, unsigned long long device, size_t nbytes, void *stream) {
    seen[0] = host, seen[1] = (void *)device, seen[2] = (void *)nbytes, seen[3] = stream;
    return status;
}
int cuStreamWaitEvent(void *stream, void *event, unsigned how) {
    seen[2] = stream, seen[3] = event, flags = how;
    return status;
}
}
"""
STREAM, EVENT = SimpleNamespace(handle=0x7F00_1234_5678), SimpleNamespace(handle=0x7F00_8765_4321)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.PyDLL:
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("needs g++")
    source = Path(tmp_path_factory.mktemp("libcuda")) / "libcuda.cpp"
    source.write_text(LIBCUDA)
    made = source.with_suffix(".so")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(made), str(source)], check=True)
    return ctypes.PyDLL(str(made))


def seen(library: ctypes.PyDLL) -> list[int]:
    return list((ctypes.c_uint64 * 4).in_dll(library, "seen"))


def test_handles_arrive_whole_and_in_the_drivers_order(library: ctypes.PyDLL) -> None:
    short = ShortCalls(library)
    assert short.record(STREAM, EVENT) == 0
    assert short.wait(STREAM, EVENT) == 0
    assert seen(library) == [EVENT.handle, STREAM.handle, STREAM.handle, EVENT.handle]
    assert ctypes.c_uint.in_dll(library, "flags").value == 0


def test_a_graph_is_launched_on_its_stream(library: ctypes.PyDLL) -> None:
    graph = SimpleNamespace(handle=77)
    assert ShortCalls(library).launch(graph, STREAM) == 0
    assert seen(library)[:2] == [graph.handle, STREAM.handle]


def test_a_copy_names_its_ends_and_its_size(library: ctypes.PyDLL) -> None:
    assert ShortCalls(library).download(0x7E00_0000_0001, 0x7D00_0000_0002, 2**33, STREAM.handle) == 0
    assert seen(library) == [0x7E00_0000_0001, 0x7D00_0000_0002, 2**33, STREAM.handle]


def test_the_drivers_status_is_returned(library: ctypes.PyDLL) -> None:
    status = ctypes.c_int.in_dll(library, "status")
    status.value = 700
    short = ShortCalls(library)
    assert (short.record(STREAM, EVENT), short.wait(STREAM, EVENT)) == (700, 700)
    status.value = 0


def test_no_other_thread_gets_in_between(library: ctypes.PyDLL) -> None:
    counter, before, after = (ctypes.c_long.in_dll(library, name) for name in ("counter", "before", "after"))
    stopping = threading.Event()

    def count() -> None:
        while not stopping.is_set():
            counter.value += 1

    thread = threading.Thread(target=count)
    thread.start()
    while not counter.value:
        time.sleep(0.001)
    pause = ctypes.c_uint.in_dll(library, "sleep_us")
    pause.value = 50_000
    ShortCalls(library).record(STREAM, EVENT)
    pause.value = 0
    stopping.set()
    thread.join()
    assert 0 < before.value == after.value


def test_without_a_driver_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "PyDLL", absent)
    assert ShortCalls.load() is None
