"""Loss of the detection head."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from training.assigner import assign
from training.box_geometry import box_giou, cell_centres, decode_cells

BOX_WEIGHT = 5.0
OBJECTNESS_WEIGHT = 1.0
CLASS_WEIGHT = 1.0


@dataclass(frozen=True, kw_only=True)
class Targets:
    """Objects of one batch, padded to m rows.

    Args:
        boxes: float32 (b, m, 4), x1 y1 x2 y2 in px of the network's input.
        classes: int64 (b, m).
        is_object: bool (b, m), rows to be learned.
        is_ignored: bool (b, m), rows under the ignore rule.
    """

    boxes: Tensor
    classes: Tensor
    is_object: Tensor
    is_ignored: Tensor


def detection_loss(cells: Tensor, targets: Targets, height: int, width: int) -> dict[str, Tensor]:
    """Box (1 - GIoU, weighted by quality), objectness (BCE towards quality) and class (BCE at positive cells) losses.

    Args:
        cells: (b, n, 5 + c), DetectionHead.logits of an image of height x width px.

    Returns:
        Weighted scalars `box`, `objectness`, `classes`, each divided by the summed quality of all positive cells.
    """
    cells = cells.float()
    origins, strides = cell_centres(height, width, cells.device)
    boxes = decode_cells(cells, origins, strides)
    objectness, classes = cells[..., 4], cells[..., 5:]
    assignment = assign(
        boxes.detach(),
        (objectness[..., None].sigmoid() * classes.sigmoid()).detach(),
        centres=(origins + 0.5) * strides[:, None],
        strides=strides,
        truth_boxes=targets.boxes,
        truth_classes=targets.classes,
        is_object=targets.is_object,
        is_ignored=targets.is_ignored,
    )
    quality = assignment.quality
    total = quality.sum().clamp(min=1.0)

    index = assignment.truth_index
    truth = targets.boxes.gather(1, index[..., None].expand(-1, -1, 4))
    # Weighting by quality alone would let the first steps learn no boxes at all: nothing overlaps yet.
    weight = torch.where(assignment.is_positive, quality.clamp(min=0.1), torch.zeros_like(quality))
    box = ((1.0 - box_giou(boxes, truth)) * weight).sum() / total

    learned = ~assignment.is_ignored
    objectness_loss = functional.binary_cross_entropy_with_logits(objectness, quality, reduction="none")
    wanted = functional.one_hot(targets.classes.gather(1, index), classes.shape[-1]).to(classes.dtype)
    class_loss = functional.binary_cross_entropy_with_logits(classes, wanted, reduction="none").sum(-1)
    return {
        "box": BOX_WEIGHT * box,
        "objectness": OBJECTNESS_WEIGHT * (objectness_loss * learned).sum() / total,
        "classes": CLASS_WEIGHT * (class_loss * weight).sum() / total,
    }
