"""vision_msgs/msg/Detection2DArray made from detections: templates per label, filled in with four array writes.

Every detection is: Header, one ObjectHypothesisWithPose, BoundingBox2D, id. Its 49 float64 lie in one block:
score, position (3), orientation (4), covariance (36), centre x y, theta, size x y. All but the score, the centre and
the size are constant, as in a fresh message: zeros and the identity orientation.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trt_perception.cdr.header_bytes import header_bytes
from trt_perception.cdr.wire import ENCAPSULATION, padding, text_bytes
from trt_perception.detections import Detections

_COUNT = struct.Struct("<I")
_ONE_RESULT = _COUNT.pack(1)
_DOUBLES = 49
_FILLED = np.array([0, 44, 45, 47, 48])  # score, centre x y, size x y
_CONSTANTS = np.zeros(_DOUBLES)
_CONSTANTS[7] = 1.0  # orientation w: the identity
_EMPTY_ID = _COUNT.pack(1) + b"\x00"
_ID_PADDING = bytes(3)  # brings a detection's end to 8 bytes, where the next one starts


class DetectionArrayEncoder:
    """Makes the CDR bytes of Detection2DArray messages for one list of labels.

    Args:
        labels: The ``class_id`` to publish for each class id of the detections.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self._label_count = len(labels)
        # The doubles are aligned to 8 bytes, so a block differs with its start: a multiple of 8, or 4 behind one.
        self._blocks = {phase: {i: _block(label, phase) for i, label in enumerate(labels)} for phase in (0, 4)}

    def encode(self, detections: Detections, *, stamp_ns: int, frame_id: str) -> bytes:
        """The message; the header stands on the array and on every detection.

        Args:
            detections: Boxes in pixels of the image as received.
            stamp_ns: Stamp of the source image, nanoseconds.
            frame_id: Coordinate frame of the source image.

        Raises:
            ValueError: A class id without a label, or a stamp that does not fit a Time message.
        """
        header = header_bytes(stamp_ns, frame_id)
        count = len(detections)
        start = ENCAPSULATION + header + _COUNT.pack(count)
        if not count:
            return start
        head = header + _ONE_RESULT
        ids = detections.class_ids.tolist()
        try:
            phase = (len(start) - len(ENCAPSULATION) + len(head)) % 8
            first = self._blocks[phase][ids[0]]
            blocks = [first, *map(self._blocks[len(head) % 8].__getitem__, ids[1:])]
        except KeyError as error:
            raise ValueError(f"class id {error} has no label, there are {self._label_count} labels") from None
        message = bytearray(start + head) + head.join(blocks)
        self._fill(message, detections, [len(block) for block in blocks], len(head))
        return bytes(message[: -len(_ID_PADDING)])

    @staticmethod
    def _fill(message: bytearray, detections: Detections, block_sizes: list[int], head_size: int) -> None:
        """Writes scores, centres and sizes into the doubles of every block."""
        origin = len(ENCAPSULATION)
        doubles = np.frombuffer(message, "<f8", offset=origin)
        values = np.empty((len(block_sizes), 5))
        corners = detections.boxes
        values[:, 0] = detections.scores
        values[:, 1:3] = corners[:, :2]
        values[:, 3:5] = corners[:, 2:]
        values[:, 3:5] -= values[:, 1:3]
        values[:, 1:3] += values[:, 3:5] * 0.5
        ends = np.cumsum(np.add(block_sizes, head_size))
        ends += len(message) - origin - ends[-1]
        firsts = (ends >> 3) - (_DOUBLES + 1)  # behind the doubles: 8 bytes of empty id and padding
        doubles[firsts[:, None] + _FILLED] = values


def _block(label: str, phase: int) -> bytes:
    """One detection behind its header and result count, up to the next multiple of 8 bytes.

    Args:
        label: The hypothesis' class_id.
        phase: Position of the block's first byte, modulo 8.
    """
    text = text_bytes(label)
    string = _COUNT.pack(len(text)) + text
    doubles: NDArray[np.float64] = _CONSTANTS.astype("<f8")
    return string + padding(phase + len(string), 8) + doubles.tobytes() + _EMPTY_ID + _ID_PADDING
