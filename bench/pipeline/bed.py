"""What runs the measurements: the GPU, or a stand-in to rehearse without one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from trt_perception.frame import Frame
from trt_perception.result import Result
from trt_perception.thresholds import Thresholds

PARTS = ("preprocess", "engine", "decode", "download")
STAGES = ("upload", "upload from pinned memory", *PARTS, "decode boxes", "whole", "to boxes")
"""Work that is timed alone. `whole` is PARTS, masks in camera size included, of which all but the download are one
graph; `to boxes` is the same with the detection heads alone."""


class Pump(Protocol):
    """Repeats one piece of work on one stream, two in flight, and times each by events."""

    @property
    def is_idle(self) -> bool:
        """Whether nothing is in flight."""

    def fill(self) -> None:
        """Launch until two are in flight."""

    def wait(self) -> float:
        """Wait for the oldest; what it took on the GPU, ms."""


class Promise(Protocol):
    """A ticket."""

    def result(self) -> Result:
        """Wait for it."""


class Runner(Protocol):
    """A GpuPipeline."""

    thresholds: Thresholds

    def start(self, frames: Sequence[Frame]) -> Promise:
        """Begin a frame."""

    def process(self, frames: Sequence[Frame]) -> Result:
        """Begin it and wait."""


class Bed(Protocol):
    """Makes what is measured; everything is freed when its context ends."""

    def identity(self) -> dict[str, str]:
        """What figures depend on: gpu, driver, tensorrt."""

    def has(self, engine: str) -> bool:
        """Whether there is such an engine."""

    def frame(self, camera: str, *, pinned: bool) -> Frame:
        """The picture as a 1080p bgr8 frame with pixels of its own."""

    def stages(self, engine: str) -> AbstractContextManager[Mapping[str, Pump]]:
        """A pump for each of STAGES, or for those that are there."""

    def engines_alone(self, engine: str, count: int) -> AbstractContextManager[Sequence[Pump]]:
        """The engine on so many streams, nothing around it."""

    def graphs(self, engine: str, count: int) -> AbstractContextManager[Sequence[Pump]]:
        """The whole work of a frame on so many streams, pixels on the device already."""

    def batch(self, engine: str, size: int) -> AbstractContextManager[Pump]:
        """The whole work of so many frames as one batch on one stream."""

    def pipelines(
        self, engine: str, count: int, *, first_priority: int | None = None, trace: bool = False
    ) -> AbstractContextManager[Sequence[Runner]]:
        """So many pipelines, one engine; the first one's stream may go before the others'."""

    def highest_priority(self) -> int:
        """Of a stream."""

    def counters(self) -> AbstractContextManager[dict[str, int]]:
        """Calls that allocate or make something on the GPU, by name, while the context lasts."""

    def free_bytes(self) -> int:
        """Device memory that is free."""


def make_bed(engines: Path, *, stand_in: bool) -> Bed:
    """The GPU with the engines of that folder, or the stand-in."""
    if stand_in:
        from bench.pipeline.stand_in_bed import StandInBed

        return StandInBed()
    from bench.pipeline.gpu_bed import GpuBed

    return GpuBed(engines)
