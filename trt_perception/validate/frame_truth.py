"""What is really in one frame, as it was recorded: objects, a mask, or both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from trt_perception.bag.libraries import load_zstd
from trt_perception.bag.true_objects import TrueObjects
from trt_perception.cdr.image_message import frame_from_image, parse_image
from trt_perception.encoding import Encoding
from trt_perception.errors import DropReason, FrameError
from trt_perception.segmentation_mask import UNLABELLED
from trt_perception.validate.frame_record import RecordTruth


@dataclass(frozen=True, kw_only=True, eq=False)
class FrameTruth:
    """The truth of one frame.

    Args:
        objects: None where nobody knows.
        mask: uint8 (h, w) of the truth's class ids; None where nobody knows.
        mask_labels: Name of each of these ids.
        condition: Light and weather; empty where the truth does not say.
    """

    objects: TrueObjects | None = None
    mask: NDArray[np.uint8] | None = field(default=None, repr=False)
    mask_labels: Mapping[int, str] = field(default_factory=dict)
    condition: str = ""

    def record(self) -> RecordTruth | None:
        """The objects as a record keeps them."""
        if self.objects is None:
            return None
        return RecordTruth(
            labels=self.objects.labels,
            boxes=self.objects.boxes,
            ignored=self.objects.ignored,
            track_ids=self.objects.track_ids,
        )

    def mask_of_head(self, labels: tuple[str, ...]) -> NDArray[np.uint8] | None:
        """The mask in a head's class ids, 255 where the head does not have the class; None where it has none of them.

        Ids without a name are taken for nothing: a guess would give wrong figures.
        """
        table = np.full(256, UNLABELLED, np.uint8)
        for class_id, name in self.mask_labels.items():
            if name in labels and 0 <= class_id < UNLABELLED:
                table[class_id] = labels.index(name)
        if self.mask is None or (table == UNLABELLED).all():
            return None
        mapped: NDArray[np.uint8] = cv2.LUT(self.mask, table)  # type: ignore[assignment]
        return mapped


def decode_mask(data: bytes | memoryview) -> NDArray[np.uint8]:
    """The class ids of a mono8 Image message, a copy.

    Raises:
        FrameError: It is no such message.
    """
    frame = frame_from_image(parse_image(data), "truth")
    if frame.encoding is not Encoding.MONO8:
        raise FrameError(DropReason.UNKNOWN_ENCODING, f"a true mask is mono8, got {frame.encoding.value}")
    rows = np.lib.stride_tricks.as_strided(frame.data, (frame.height, frame.width), (frame.step, 1))
    return np.array(rows)


@dataclass(frozen=True, kw_only=True, eq=False)
class PackedMask:
    """A mask compressed, to wait for its frame."""

    data: bytes = field(repr=False)
    shape: tuple[int, int]

    @staticmethod
    def of(mask: NDArray[np.uint8]) -> PackedMask:
        """Compress a mask: uint8 (h, w).

        Raises:
            MissingError: The bag library, which brings zstd, is not installed.
        """
        packed = load_zstd().compress(np.ascontiguousarray(mask), 1)
        return PackedMask(data=packed, shape=(mask.shape[0], mask.shape[1]))

    def mask(self) -> NDArray[np.uint8]:
        """The mask again."""
        return np.frombuffer(load_zstd().decompress(self.data), np.uint8).reshape(self.shape)
