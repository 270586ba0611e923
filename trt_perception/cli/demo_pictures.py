"""The demo's contact sheet and video."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from trt_perception.cli.demo_run import DemoRun, SentFrame
from trt_perception.detections import Detections
from trt_perception.draw.annotate import annotate
from trt_perception.draw.contact_sheet import contact_sheet
from trt_perception.draw.video import write_video
from trt_perception.errors import InputError
from trt_perception.result import Result

COLUMNS = 3
VIDEO_CELL_PX = 480


class DemoPictures:
    """Draws a run.

    Args:
        run: The run.
        score: Lowest score of a detection that is drawn.
    """

    def __init__(self, run: DemoRun, *, score: float) -> None:
        self._run = run
        self._score = score
        by_index: defaultdict[int, list[SentFrame]] = defaultdict(list)
        for frame in run.frames():
            by_index[frame.index].append(frame)
        self._instants = [by_index[index] for index in sorted(by_index)]

    def write_sheet(self, path: Path) -> None:
        """The instant with most answers and most objects, every camera, as JPEG.

        Raises:
            InputError: The file cannot be written.
        """
        sheet = self._sheet(max(self._instants, key=self._worth), cell_width=640)
        if not cv2.imwrite(str(path), sheet):
            raise InputError(f"{path}: the picture could not be written; check the folder's permissions and free space")

    def write_video(self, path: Path) -> None:
        """All instants in order, as mp4."""
        write_video(path, self._video_frames(), fps=self._run.source.rate_hz)

    def _video_frames(self) -> Iterator[NDArray[np.uint8]]:
        for frames in self._instants:
            yield self._sheet(frames, cell_width=VIDEO_CELL_PX)

    def _worth(self, frames: Sequence[SentFrame]) -> tuple[int, int]:
        answers = [self._run.shown(frame.answer, self._score) for frame in frames if frame.answer is not None]
        objects = sum(len(head) for heads in answers for head in heads.values() if isinstance(head, Detections))
        return len(answers), objects

    def _sheet(self, frames: Sequence[SentFrame], *, cell_width: int) -> NDArray[np.uint8]:
        images = {frame.camera + ("" if frame.answer else " (no result)"): self._picture(frame) for frame in frames}
        return contact_sheet(images, columns=COLUMNS, cell_width=cell_width)

    def _picture(self, frame: SentFrame) -> NDArray[np.uint8]:
        image = self._run.source.image(frame.camera, frame.index)
        if frame.answer is None:
            return image
        return annotate(image, Result(heads=self._run.shown(frame.answer, self._score)), self._run.spec)
