"""What a camera's images look like, noted by the threads of several sets."""

from __future__ import annotations

import numpy as np
import pytest

from trt_perception.encoding import Encoding
from trt_perception.frame import EncodedFrame, Frame
from trt_perception.ros.camera_journal import CameraJournal
from trt_perception.ros.counters import CameraCounters
from trt_perception.ros.fault_log import FaultLog
from trt_perception.ros.frame_passage import FramePassage
from trt_perception.ros.received_image import ReceivedImage
from trt_perception.ros.seen_image import SeenImage

SMALL, LARGE = (8, 4), (16, 4)


class Rig:
    """One camera's images, and what was said of them."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.counters = CameraCounters()
        self.journal = CameraJournal("front", self.counters, FaultLog(self.warnings.append), None)
        self.seen = SeenImage(self.journal)

    def note(self, sequence: int, size: tuple[int, int] | None) -> None:
        content = EncodedFrame(camera="front", stamp_ns=sequence, frame_id="", format="jpeg", data=b"")
        self.seen.note(self._received(sequence, content), content, size)

    def note_raw(self, sequence: int, size: tuple[int, int], encoding: Encoding) -> None:
        frame = _raw(size, encoding)
        self.seen.note(self._received(sequence, frame), frame, None)

    def changes(self) -> int:
        return self.counters.snapshot(1).image_changes

    def _received(self, sequence: int, content: Frame | EncodedFrame) -> ReceivedImage:
        return ReceivedImage(sequence, True, content, b"", FramePassage(sequence=sequence), self.journal)


def _raw(size: tuple[int, int], encoding: Encoding) -> Frame:
    width, height = size
    return Frame(
        camera="front",
        stamp_ns=0,
        frame_id="",
        width=width,
        height=height,
        encoding=encoding,
        step=3 * width,
        data=np.zeros(3 * width * height, np.uint8),
    )


def test_a_change_is_counted_and_said() -> None:
    rig = Rig()
    rig.note(1, SMALL)
    rig.note(2, SMALL)
    assert (rig.seen.text, rig.changes()) == ("8 x 4 compressed", 0)
    rig.note_raw(3, LARGE, Encoding.RGB8)
    assert (rig.seen.text, rig.changes()) == ("16 x 4 rgb8", 1)
    assert len(rig.warnings) == 1
    assert "image changed from 8 x 4 compressed to 16 x 4 rgb8" in rig.warnings[0]


@pytest.mark.parametrize("again", [2, 1], ids=["the_same", "an_older_one"])
def test_a_slower_set_changes_nothing_back(again: int) -> None:
    rig = Rig()
    rig.note(1, SMALL)
    rig.note(2, LARGE)
    rig.note(again, LARGE if again == 2 else SMALL)
    rig.note(3, LARGE)
    assert (rig.seen.text, rig.changes()) == ("16 x 4 compressed", 1)


def test_an_image_of_which_nobody_has_read_the_size_says_nothing() -> None:
    rig = Rig()
    rig.note(1, None)
    assert rig.seen.text == ""
