"""Instance segmentation heads of YOLOv8, 11 and 12 as Ultralytics exports them, without NMS inside."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from trt_perception.decode.candidates import check_finite, kept_detections
from trt_perception.decode.head_check import check_labels, check_shape, head_outputs
from trt_perception.decode.head_decoder import Tensors
from trt_perception.decode.instance_mask import paint_cells, paint_pixels
from trt_perception.decode.mask_grid import mask_axes
from trt_perception.decode.yolov8_decoder import best_cells
from trt_perception.instance_detections import MAX_INSTANCES, InstanceDetections
from trt_perception.model.model_spec import HeadSpec, MaskSize, ModelSpec
from trt_perception.preprocess.image_transform import ImageTransform
from trt_perception.thresholds import Thresholds


class Yolov8SegDecoder:
    """[1, 4 + classes + k, n] as YOLOv8 with k mask coefficients a box, beside prototypes [1, k, h, w].

    A box's mask is its coefficients times the prototypes, above 0 (sigmoid above 0.5), inside the box; at camera size
    it is interpolated before it is decided (Ultralytics' `retina_masks`). At most 255 objects an image, the best.
    Source: https://github.com/ultralytics/ultralytics, utils/ops.py (process_mask_native).

    Args:
        head: The head; its outputs are the boxes, then the prototypes.
        spec: The model; the first input's size is the network's.

    Raises:
        ModelError: The outputs' shapes or dtypes do not fit the labels or each other.
    """

    def __init__(self, head: HeadSpec, spec: ModelSpec) -> None:
        check_labels(head, spec)
        boxes, prototypes = head_outputs(head, spec, 2)
        check_shape(head, spec, prototypes, (1, "k", "h", "w"))
        check_shape(head, spec, boxes, (1, 4 + len(head.labels) + prototypes.shape[1], "n"))
        self._boxes = boxes.name
        self._prototypes = prototypes.name
        self._labels = head.labels
        self._size = head.mask_size
        self._network = (spec.inputs[0].height, spec.inputs[0].width)

    def decode(self, outputs: Tensors, transform: ImageTransform, thresholds: Thresholds) -> InstanceDetections:
        """The objects and their pixels; `HeadDecoder` says more."""
        output, prototypes = outputs[self._boxes][0], outputs[self._prototypes][0]
        check_finite(self._boxes, output)
        check_finite(self._prototypes, prototypes)
        first_mask = 4 + len(self._labels)
        best, scores, class_ids = best_cells(output[4:first_mask], thresholds.by_class(self._labels))
        found, kept = kept_detections(
            output[:4, best].T.astype(np.float32),
            scores,
            class_ids,
            output=self._boxes,
            transform=transform,
            thresholds=replace(thresholds, max_detections=min(thresholds.max_detections, MAX_INSTANCES)),
        )
        coefficients = output[first_mask:, best[kept]].T.astype(np.float32)
        ids = self._paint(found.boxes, coefficients, prototypes.astype(np.float32, copy=False), transform)
        return InstanceDetections(boxes=found.boxes, scores=found.scores, class_ids=found.class_ids, instance_ids=ids)

    def _paint(
        self,
        boxes: NDArray[np.float32],
        coefficients: NDArray[np.float32],
        prototypes: NDArray[np.float32],
        transform: ImageTransform,
    ) -> NDArray[np.uint8]:
        """The instance mask at the head's mask size."""
        rows, columns = mask_axes(transform, self._network, prototypes.shape[1:])
        x, y, width, height = transform.crop
        inside = np.asarray(boxes - np.array((x, y, x, y), np.float64), np.float64)
        if self._size is MaskSize.NETWORK:
            part = rows.inside(), columns.inside()
            seen = prototypes[(slice(None), *part)]
            canvas = np.zeros(seen.shape[1:], np.uint8)
            paint_cells(canvas, self._in_cells(inside, prototypes.shape, transform, part), coefficients, seen)
            return canvas
        whole = np.zeros((transform.image_height, transform.image_width), np.uint8)
        paint_pixels(whole[y : y + height, x : x + width], inside, coefficients, prototypes, (rows, columns))
        return whole

    def _in_cells(
        self,
        boxes: NDArray[np.float64],
        grid: tuple[int, ...],
        transform: ImageTransform,
        part: tuple[slice, slice],
    ) -> NDArray[np.float64]:
        """Boxes in pixels of the crop as boxes in cells of the part of the grid that holds the image."""
        offset = np.array(transform.network_region[:2] * 2, np.float64)
        cells = np.array((grid[2] / self._network[1], grid[1] / self._network[0]) * 2, np.float64)
        first = np.array((part[1].start, part[0].start) * 2, np.float64)
        return np.asarray((boxes / np.array(transform.scale * 2, np.float64) + offset) * cells - first, np.float64)
