"""Pipelines that are another thing in the processes of a cluster than here."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from helpers.validation_bag import TinyPipeline
from trt_perception.runtime.backend import Tensors
from trt_perception.runtime.onnxruntime_backend import OnnxRuntimeBackend
from trt_perception.runtime.pipeline import Pipeline

STAND_S = 100.0


@dataclass
class OtherPipeline:
    """Makes another model's pipeline in other processes than this one; picklable."""

    here: TinyPipeline
    elsewhere: TinyPipeline
    own: int = os.getpid()

    def __call__(self) -> Pipeline:
        return (self.here if os.getpid() == self.own else self.elsewhere)()


@dataclass
class StoppingPipeline:
    """Makes a pipeline that stands still, so that its process can be killed in the middle of its work; picklable.

    Args:
        pipeline: What it makes.
        at_inference: The first process other than this one to come here stands still.
        note: File that is written then: its process and the parent of it.
        only_once: Whether later processes pass.
    """

    pipeline: TinyPipeline
    at_inference: int
    note: Path
    only_once: bool = True
    own: int = os.getpid()

    def __call__(self) -> Pipeline:
        made = self.pipeline()
        if os.getpid() != self.own and isinstance(made.backend, OnnxRuntimeBackend):
            return Pipeline(made.spec, _StoppingBackend(made, self))
        return made


class _StoppingBackend(OnnxRuntimeBackend):
    def __init__(self, made: Pipeline, stop: StoppingPipeline) -> None:
        super().__init__(made.spec, threads=1)
        self._stop, self._count = stop, 0

    def infer(self, inputs: Tensors) -> Tensors:
        self._count += 1
        if self._count == self._stop.at_inference:
            self._stand()
        return super().infer(inputs)

    def _stand(self) -> None:
        try:
            with self._stop.note.open("x" if self._stop.only_once else "w") as file:
                file.write(f"{os.getpid()} {os.getppid()}\n")
        except FileExistsError:
            return
        time.sleep(STAND_S)
