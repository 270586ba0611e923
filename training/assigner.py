"""Which cell learns which object."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from training.box_geometry import box_iou

TOP_CELLS = 10
"""Cells that learn one object."""
REACH_CELLS = 2.5
"""A cell farther than this from an object's centre, in cells of its own stride, does not learn it."""


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """What every cell of a batch has to learn.

    Args:
        truth_index: int64 (b, n), the object of each positive cell; 0 where none.
        quality: float32 (b, n), target of the objectness: how well aligned the cell is with its object; 0 where none.
        is_positive: bool (b, n).
        is_ignored: bool (b, n), cells on objects of the ignore rule: neither positive nor negative.
    """

    truth_index: Tensor
    quality: Tensor
    is_positive: Tensor
    is_ignored: Tensor


@torch.no_grad()
def assign(
    boxes: Tensor,
    scores: Tensor,
    *,
    centres: Tensor,
    strides: Tensor,
    truth_boxes: Tensor,
    truth_classes: Tensor,
    is_object: Tensor,
    is_ignored: Tensor,
) -> Assignment:
    """Task-aligned assignment (after TOOD, Feng et al. 2021): an object goes to the TOP_CELLS cells near its centre
    whose ``score ** 0.5 * iou ** 6`` is largest; a cell that several objects want takes the one it overlaps most.

    Args:
        boxes: float32 (b, n, 4), predicted, x1 y1 x2 y2 in px.
        scores: float32 (b, n, c), predicted objectness x class score, 0 to 1.
        centres: float32 (n, 2), cell centres in px.
        strides: float32 (n,), in px.
        truth_boxes: float32 (b, m, 4), padded with zeros.
        truth_classes: int64 (b, m).
        is_object: bool (b, m), rows that are to be learned.
        is_ignored: bool (b, m), rows that fall under the ignore rule.
    """
    truth = truth_boxes[:, :, None]  # (b, m, 1, 4)
    inside = _inside(centres, truth_boxes)
    middle = (truth[..., :2] + truth[..., 2:]) * 0.5
    across, down = ((centres[:, axis] - middle[..., axis]).abs() for axis in (0, 1))
    distance = torch.maximum(across, down) / strides  # (b, m, n), in cells
    near = distance < REACH_CELLS
    # An object smaller than a cell may hold no cell centre: the cell around its middle stands in.
    candidate = near & (inside | (distance < 0.5)) & is_object[:, :, None]

    iou = box_iou(truth, boxes[:, None])  # (b, m, n)
    classes = truth_classes[:, :, None].expand(-1, -1, boxes.shape[1])
    score = scores.transpose(1, 2).gather(1, classes)  # (b, m, n)
    # The small constants keep an order among cells that overlap nothing yet: nearest first.
    alignment = (score.clamp(min=1e-4).sqrt() * iou.pow(6) + 1e-9 / (1.0 + distance)) * candidate

    count = min(TOP_CELLS, alignment.shape[2])
    best, cells = alignment.topk(count, dim=2)
    chosen = torch.zeros_like(candidate).scatter_(2, cells, best > 0)
    wanted = torch.where(chosen, iou + 1e-6, torch.zeros_like(iou))
    overlap, truth_index = wanted.max(1)
    is_positive = overlap > 0
    chosen &= torch.arange(chosen.shape[1], device=chosen.device)[None, :, None] == truth_index[:, None]

    alignment = alignment * chosen
    per_object = alignment.amax(2, keepdim=True)
    best_iou = (iou * chosen).amax(2, keepdim=True)
    quality = (alignment / per_object.clamp(min=1e-12) * best_iou).amax(1)
    covered = (inside & is_ignored[:, :, None]).any(1)
    return Assignment(
        truth_index=truth_index,
        quality=quality.clamp(0.0, 1.0),
        is_positive=is_positive,
        is_ignored=covered & ~is_positive,
    )


def _inside(points: Tensor, boxes: Tensor) -> Tensor:
    """Points (n, 2) in boxes (b, m, 4): bool (b, m, n)."""
    x, y = points.unbind(-1)
    x1, y1, x2, y2 = boxes[:, :, None].unbind(-1)
    return (x > x1) & (x < x2) & (y > y1) & (y < y2)
