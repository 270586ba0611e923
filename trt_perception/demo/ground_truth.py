"""What is really in one camera picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class GroundTruth:
    """The truth of one camera at one instant: n objects, and a class for every pixel.

    An object is listed when some of its silhouette lies in the image, even where all of that is hidden; `IgnoreRule`
    says which objects count.

    Args:
        boxes: float32 (n, 4), x1 y1 x2 y2 in px. The tight box of the object's silhouette in the image, hidden parts
            included, parts outside the image not. Edges, not centres: a silhouette that fills pixel (3, 5) alone has
            the box 3 5 4 6.
        class_ids: int32 (n,), index into CLASS_NAMES.
        track_ids: int64 (n,), the same object has the same id in all cameras and at all instants of a drive.
        visible_fraction: float32 (n,), pixels of the silhouette that nothing nearer covers, over all its pixels in the
            image.
        truncation: float32 (n,), share of the unclipped box's area that lies outside the image.
        mask: uint8 (h, w), index into MASK_NAMES. Drivable is all paving between the kerbs that the camera sees
            (crosswalks and stop lines too); lane is the paint of lines along the road, dashes without their gaps, up to
            50 m along the road. Whatever stands in front of the road is background.
        boxes_3d: float32 (n, 7), x y z length width height yaw: centre in m, sizes in m, radians, in the car's body
            frame.
    """

    boxes: NDArray[np.float32]
    class_ids: NDArray[np.int32]
    track_ids: NDArray[np.int64]
    visible_fraction: NDArray[np.float32]
    truncation: NDArray[np.float32]
    mask: NDArray[np.uint8]
    boxes_3d: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.class_ids)
