"""Loss of the segmentation head."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

UNLABELLED = 255
LANE = 2
LANE_WEIGHT = 2.0
"""Lane markings are about one pixel in a hundred: without weight the head would leave them out."""


def segmentation_loss(logits: Tensor, mask: Tensor) -> dict[str, Tensor]:
    """Cross-entropy at the mask's resolution, lane pixels weighted, plus the Dice loss of the lane class.

    Args:
        logits: (b, classes, h/4, w/4); scaled up bilinearly, as the decoder does.
        mask: uint8 (b, h, w), class ids, 255 = unlabelled.

    Returns:
        Scalars `mask` and `lane`.
    """
    scores = functional.interpolate(logits.float(), size=mask.shape[1:], mode="bilinear", align_corners=False)
    target = mask.long()
    weight = torch.ones(logits.shape[1], device=logits.device)
    weight[LANE] = LANE_WEIGHT
    known = (target != UNLABELLED).float()
    entropy = functional.cross_entropy(scores, target, weight, ignore_index=UNLABELLED, reduction="none")
    lane = scores.softmax(1)[:, LANE] * known
    is_lane = (target == LANE).float()
    overlap = (lane * is_lane).sum()
    dice = 1.0 - (2.0 * overlap + 1.0) / (lane.sum() + is_lane.sum() + 1.0)
    return {"mask": entropy.sum() / known.sum().clamp(min=1.0), "lane": dice}
