"""What a camera's images look like, and that they change."""

from __future__ import annotations

import threading

from trt_perception.frame import EncodedFrame, Frame
from trt_perception.ros.camera_journal import CameraJournal
from trt_perception.ros.received_image import ReceivedImage


class SeenImage:
    """Size and encoding of one camera's last image. Any thread: of two sets the slower one notes the older image last.

    Args:
        journal: Where a change is written down.
    """

    def __init__(self, journal: CameraJournal) -> None:
        self.text = ""
        """In words; empty before the first image."""
        self._journal = journal
        self._lock = threading.Lock()
        self._sequence = 0

    def note(self, image: ReceivedImage, frame: Frame | EncodedFrame, size: tuple[int, int] | None) -> None:
        """Boxes are right at any size; but a camera that changes under way is not the one that was calibrated.

        Args:
            image: What was received.
            frame: What became of it.
            size: Width and height in px, where the frame does not say; None where nobody has read it.
        """
        if isinstance(frame, Frame):
            size = (frame.width, frame.height)
        if size is None:
            return
        # A file that was unpacked for several pipelines is a file still.
        encoding = "compressed"
        if isinstance(frame, Frame) and not isinstance(image.content, EncodedFrame):
            encoding = frame.encoding.value
        text = f"{size[0]} x {size[1]} {encoding}"
        with self._lock:
            if image.passage.sequence < self._sequence:
                return
            self._sequence = image.passage.sequence
            before, self.text = self.text, text
        if before and before != text:
            self._journal.counters.add_image_change()
            self._journal.fault("image changed", f"image changed from {before} to {text}")
