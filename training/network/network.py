"""The demo network: one backbone and neck, a detection head and a segmentation head."""

from __future__ import annotations

from torch import Tensor, nn

from training.network.backbone import Backbone
from training.network.detection_head import DetectionHead
from training.network.neck import Neck
from training.network.network_options import NetworkOptions
from training.network.segmentation_head import SegmentationHead


class Network(nn.Module):
    """Module names are the precision regions: ``backbone.``, ``neck.``, ``det_head.``, ``seg_head.``."""

    def __init__(self, options: NetworkOptions) -> None:
        super().__init__()
        self.options = options
        self.backbone = Backbone(options)
        self.neck = Neck(options)
        self.det_head = DetectionHead(options)
        self.seg_head = SegmentationHead(options)

    def _features(self, images: Tensor, thermal: Tensor | None) -> tuple[Tensor, list[Tensor]]:
        features = self.backbone(images, thermal)
        return features[0], self.neck(features)

    def logits(self, images: Tensor, thermal: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """What the losses read: detection cells (b, n, 5 + classes) and mask logits (b, classes, h/4, w/4)."""
        at4, levels = self._features(images, thermal)
        return self.det_head.logits(levels), self.seg_head(at4, levels[0])

    def forward(self, images: Tensor, thermal: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The exported outputs: as `logits`, with objectness and class scores from 0 to 1.

        Args:
            images: float32 (b, 3, h, w), RGB, 0 to 1; h and w multiples of 32.
            thermal: float32 (b, 1, h, w), 0 to 1, of the two-stream variant only.
        """
        at4, levels = self._features(images, thermal)
        return self.det_head(levels), self.seg_head(at4, levels[0])
