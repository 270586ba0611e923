"""A GPU in trouble: how fast it is seen, what becomes of the process, and of others on the same GPU.

Needs what test_gpu_pipeline.py needs, and the GPU for itself. FAULT_TIMES names a file that the times are appended to.
What the node makes of it is in test_faults_node.py.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.fault_times import keep_times
from helpers.frames import bgr_frame
from helpers.gpu_memory import least_taken

from trt_perception.engine.any_spec import any_spec
from trt_perception.errors import DeviceError
from trt_perception.kernel_call import KernelCall, KernelSource
from trt_perception.result import Result
from trt_perception.runtime import gpu_watch
from trt_perception.runtime.engine_memory import mib
from trt_perception.runtime.gpu import Gpu, Memory
from trt_perception.runtime.gpu_pipeline import GpuPipeline
from trt_perception.runtime.gpu_watch import GpuWatch
from trt_perception.runtime.open_engine import OpenedEngine, open_engine

pytestmark = [pytest.mark.gpu, pytest.mark.timeout(300)]

HERE = Path(__file__).resolve().parent
FRAME = bgr_frame(np.random.default_rng(0).integers(0, 256, (48, 80, 3), dtype=np.uint8))


@pytest.fixture(scope="module")
def engine(trt: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from helpers.demo_engine import demo_engine

    return demo_engine("demo_model", tmp_path_factory.mktemp("demo"))


def raw(result: Result) -> dict[str, bytes]:
    """The heads' class ids."""
    return {name: head.class_ids.tobytes() for name, head in result.heads.items()}


def run_program(engine: Path, fault: str) -> tuple[dict[str, Any], float]:
    """What the process said by event, and when it had ended, with exit code 3."""
    root = HERE.parents[1]
    done = subprocess.run(
        [sys.executable, str(HERE / "fault_program.py"), str(engine), fault],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        text=True,
        timeout=120,
    )
    ended = time.monotonic()
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    said = {line["event"]: line for line in lines}
    assert (done.returncode, "good" in said) == (3, True), done.stdout + done.stderr
    return said, ended


def works(engine: Path) -> float:
    """How long a new pipeline takes from nothing to its first result, seconds."""
    begun = time.monotonic()
    opened = open_engine(engine)
    with GpuPipeline(any_spec(engine), opened) as pipeline:
        pipeline.process([FRAME])
    opened.engine.close()
    return time.monotonic() - begun


STICKY = ("illegal_address", "misaligned_address", "trap")


@pytest.mark.parametrize("fault", STICKY)
def test_an_error_in_a_kernel_is_seen_with_the_frame_and_ends_its_process_alone(engine: Path, fault: str) -> None:
    opened = open_engine(engine)
    with GpuPipeline(any_spec(engine), opened) as beside:
        expected = raw(beside.process([FRAME]))
        said, ended = run_program(engine, fault)
        got = raw(beside.process([FRAME]))
    opened.engine.close()
    seen = said.get("seen", said["ended"])  # where CUDA takes its time over it, the watch is first
    assert seen["is_sticky"], said
    assert said["ended"]["is_sticky"]
    assert "the process must be started again" in seen["text"]
    assert got == expected
    keep_times(
        f"gpu_{fault}",
        seen=seen["at"] - said["launched"]["at"],
        process_ended=ended - said["launched"]["at"],
        over=works(engine),
    )


def test_a_kernel_that_does_not_end_is_seen_after_the_limit_and_the_gpu_is_free_again(engine: Path) -> None:
    said, ended = run_program(engine, "endless")
    assert "seen" not in said
    assert "has not ended after 2 s, and nothing on a GPU can be broken off" in said["ended"]["text"]
    took_s = said["ended"]["at"] - said["launched"]["at"]
    assert gpu_watch.LIMIT_S <= took_s < gpu_watch.LIMIT_S + 1.0
    keep_times(
        "gpu_endless_kernel",
        seen=took_s,
        process_ended=ended - said["launched"]["at"],
        over=works(engine),
    )


def test_a_gpu_that_is_slow_is_not_taken_for_stuck(kernel_gpu: Gpu) -> None:
    kernel_gpu.use()
    told: list[DeviceError] = []
    source = KernelSource(file="faults.cu", function="slow")
    kernel_gpu.load_kernel(source, root=HERE)
    memory, stream = kernel_gpu.allocate(256), kernel_gpu.make_stream()
    call = KernelCall(
        source=source, grid=(1, 1, 1), block=(1, 1, 1), arguments=(np.uint64(memory.address), np.int64(200_000_000))
    )
    with GpuWatch(told.append, limit_s=2.0):
        for _ in range(30):  # a tenth of a second each, several seconds together
            kernel_gpu.launch(call, int(stream.handle))
            with kernel_gpu.guard("waiting"):
                stream.sync()
    kernel_gpu.free(memory)
    assert told == []


def test_memory_that_is_too_small_is_told_with_the_sum_and_nothing_stays(engine: Path) -> None:
    opened = open_engine(engine)
    gpu = opened.engine.gpu
    pipeline = GpuPipeline(any_spec(engine), opened)
    with pipeline:  # what CUDA itself takes with the first frame, it keeps
        pipeline.process([FRAME])
    taken = fill_up(gpu, leave_bytes=6 * 2**20)
    try:
        free = gpu.free_bytes()
        begun = time.monotonic()
        with pytest.raises(DeviceError, match="memory") as caught:
            pipeline.open()
        took_s = time.monotonic() - begun
        assert not caught.value.is_sticky
        assert str(pipeline.memory) in str(caught.value)
        assert f"{mib(free)} MiB" in str(caught.value)
        assert gpu.free_bytes() >= free - 2 * 2**20  # CUDA's own unit
    finally:
        for memory in taken:
            gpu.free(memory)
    begun = time.monotonic()
    with pipeline:
        pipeline.process([FRAME])
    keep_times("gpu_out_of_memory", seen=took_s, over=time.monotonic() - begun)
    opened.engine.close()


def fill_up(gpu: Gpu, *, leave_bytes: int) -> list[Memory]:
    """Take the GPU's memory but for that; nobody else may be on it."""
    gpu.use()
    taken: list[Memory] = []
    size = 2**34
    while size >= 2**20:
        if gpu.free_bytes() - leave_bytes > size:
            try:
                taken.append(gpu.allocate(size))
                continue
            except DeviceError:
                pass
        size //= 2
    return taken


def test_nothing_is_allocated_for_a_frame(engine: Path) -> None:
    opened: OpenedEngine = open_engine(engine)
    gpu = opened.engine.gpu
    with GpuPipeline(any_spec(engine), opened) as pipeline:
        for _ in range(10):
            pipeline.process([FRAME])

        def work() -> None:
            for _ in range(500):
                pipeline.process([FRAME])

        assert least_taken(gpu, work) == (0, 0)
    opened.engine.close()


REFUSED: dict[str, Callable[[Gpu], object]] = {
    "more_memory_than_there_is": lambda gpu: gpu.allocate(2**50),
    "more_pinned_memory_than_there_is": lambda gpu: gpu.allocate_pinned(2**50),
    "memory_that_is_not_there": lambda gpu: gpu.register(4096, 4096),
}


@pytest.mark.parametrize("call", REFUSED.values(), ids=REFUSED.keys())
def test_a_call_that_cuda_refuses_harms_nothing(kernel_gpu: Gpu, call: Callable[[Gpu], object]) -> None:
    kernel_gpu.use()
    begun = time.monotonic()
    with pytest.raises(DeviceError) as caught:
        call(kernel_gpu)
    keep_times("gpu_refused_call", seen=time.monotonic() - begun)
    assert not caught.value.is_sticky
    assert not kernel_gpu.is_lost()
