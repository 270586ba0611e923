"""Areas, overlaps and cell centres of boxes, in torch."""

from __future__ import annotations

import torch
from torch import Tensor

from training.network.network_options import STRIDES

_EPSILON = 1e-7


def cell_centres(height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cells of all detection levels in the head's order.

    Returns:
        origins float32 (n, 2), x y of each cell in grid units, and strides float32 (n,) in px.
    """
    origins, strides = [], []
    for stride in STRIDES:
        rows = torch.arange(height // stride, device=device)
        columns = torch.arange(width // stride, device=device)
        y, x = torch.meshgrid(rows, columns, indexing="ij")
        origins.append(torch.stack((x, y), -1).reshape(-1, 2))
        strides.append(torch.full((len(origins[-1]),), stride, device=device))
    return torch.cat(origins).float(), torch.cat(strides).float()


def decode_cells(cells: Tensor, origins: Tensor, strides: Tensor) -> Tensor:
    """Boxes of raw cells: xy = (p + cell) * stride, wh = exp(p) * stride.

    Args:
        cells: (b, n, 4 or more), x y w h in grid units first.

    Returns:
        float32 (b, n, 4), x1 y1 x2 y2 in px.
    """
    scale = strides[None, :, None]
    centre = (cells[..., :2].float() + origins) * scale
    half = cells[..., 2:4].float().clamp(max=8.0).exp() * scale * 0.5
    return torch.cat((centre - half, centre + half), -1)


def _intersection_union(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    low = torch.maximum(a[..., :2], b[..., :2])
    high = torch.minimum(a[..., 2:], b[..., 2:])
    intersection = _area((high - low).clamp(min=0))
    areas = _area(a[..., 2:] - a[..., :2]) + _area(b[..., 2:] - b[..., :2])
    return intersection, areas - intersection


def _area(sides: Tensor) -> Tensor:
    return sides[..., 0] * sides[..., 1]  # reducing over two values is slow on a GPU


def box_iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of boxes (..., 4) that broadcast against each other: (...)."""
    intersection, union = _intersection_union(a, b)
    return intersection / (union + _EPSILON)


def box_giou(a: Tensor, b: Tensor) -> Tensor:
    """Generalised intersection over union, -1 to 1 (Rezatofighi et al. 2019, https://giou.stanford.edu): (...)."""
    intersection, union = _intersection_union(a, b)
    hull = _area(torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2]))
    return intersection / (union + _EPSILON) - (hull - union) / (hull + _EPSILON)
