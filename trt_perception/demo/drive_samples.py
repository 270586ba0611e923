"""The instants of a drive in order, drawn by several processes."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor

import cv2

from trt_perception.demo.drive import Drive
from trt_perception.demo.drive_options import DriveOptions
from trt_perception.demo.drive_sample import DriveSample

AHEAD = 2
"""Instants a process that wait to be taken, at most: a sample of six cameras is 13 MB."""

_drive: Drive | None = None


def drive_samples(drive: Drive, *, thermal: bool = False, workers: int = 1) -> Iterator[DriveSample]:
    """Every instant in order; the same samples whatever the number of workers.

    Args:
        drive: The drive.
        thermal: Whether thermal pictures are drawn too.
        workers: Processes that draw; with 1 it is done here.
    """
    if workers <= 1:
        for index in range(len(drive)):
            yield drive.sample(index, thermal=thermal)
        return
    # Not forked: the caller may have threads, whose locks a forked child would find taken for ever.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_open, initargs=(drive.options,)) as pool:
        waiting: deque[Future[DriveSample]] = deque()
        try:
            for index in range(len(drive)):
                waiting.append(pool.submit(_sample, index, thermal))
                if len(waiting) >= AHEAD * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _open(options: DriveOptions) -> None:
    global _drive
    cv2.setNumThreads(1)  # the processes are as many as the cores already
    _drive = Drive(options=options)


def _sample(index: int, thermal: bool) -> DriveSample:
    if _drive is None:
        raise RuntimeError("drive_samples: the worker was not opened")
    return _drive.sample(index, thermal=thermal)
