"""A process whose GPU is brought into trouble: python fault_program.py ENGINE FAULT.

What it sees goes to stdout, a line of JSON each, with times of the steady clock, which all processes share.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from trt_perception.encoding import Encoding
from trt_perception.engine.any_spec import any_spec
from trt_perception.errors import DeviceError
from trt_perception.frame import Frame
from trt_perception.kernel_call import KernelCall, KernelSource
from trt_perception.runtime.gpu_pipeline import GpuPipeline
from trt_perception.runtime.gpu_watch import GpuWatch
from trt_perception.runtime.open_engine import open_engine

HERE = Path(__file__).resolve().parent
GOOD_FRAMES = 20


def say(event: str, **facts: Any) -> None:
    print(json.dumps({"event": event, "at": time.monotonic(), **facts}), flush=True)


def end(error: DeviceError) -> None:
    say("ended", text=str(error), is_sticky=error.is_sticky)
    os._exit(error.exit_code)


def main(engine: Path, fault: str) -> None:
    opened = open_engine(engine)
    gpu = opened.engine.gpu
    pipeline = GpuPipeline(any_spec(engine), opened)
    pipeline.open()
    memory = gpu.allocate(256)
    stream: Any = pipeline.stream
    gpu.fill_with_zeros(memory, stream)
    source = KernelSource(file="faults.cu", function=fault)
    gpu.load_kernel(source, root=HERE)
    pixels = np.random.default_rng(0).integers(0, 256, 48 * 80 * 3, dtype=np.uint8)
    frame = Frame(
        camera="front", stamp_ns=1, frame_id="", encoding=Encoding.BGR8, width=80, height=48, step=240, data=pixels
    )
    with GpuWatch(end):
        for _ in range(GOOD_FRAMES):
            pipeline.process([frame])
        say("good", note=pipeline.note)
        call = KernelCall(source=source, grid=(1, 1, 1), block=(1, 1, 1), arguments=(np.uint64(memory.address),))
        say("launched")
        gpu.launch(call, int(stream.handle))
        try:
            pipeline.process([frame])
        except DeviceError as error:
            say("seen", text=str(error), is_sticky=error.is_sticky)
            try:
                pipeline.process([frame])
            except DeviceError as again:
                end(again)
    say("went on")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
