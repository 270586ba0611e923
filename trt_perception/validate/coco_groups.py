"""Average precision over groups of frames, by pycocotools, in memory that grows by bytes a detection.

pycocotools keeps a dictionary for every box and a result for every image, class and size. Here it evaluates some
images at a time; what its last step needs of them is packed, and handed back to it, as if it were one image, for every
group of frames that is asked for.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Collection, Hashable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trt_perception.detections import Detections
from trt_perception.errors import MissingError
from trt_perception.validate.coco_form import coco_annotations, coco_categories, coco_results
from trt_perception.validate.detection_metrics import mean_precision
from trt_perception.validate.image_truth import ImageTruth

SIZES = ("all", "small", "medium", "large")
"""COCO's ranges of an object's area, in the order in which its parameters have them."""
MAX_DETECTIONS = 100
"""Most detections of one image and class that count, best first, as in COCO's own figures."""

_IMAGES_AT_ONCE = 64
_BITS = np.left_shift(1, np.arange(10)).astype(np.uint16)
_SIZE_OF_AREA = {(0, 1e10): 0, (0, 1024): 1, (1024, 9216): 2, (9216, 1e10): 3}
"""COCO's ranges, square px."""
_ROW = np.dtype(
    [("image", np.uint32), ("score", np.float32), ("matched", np.uint16, (4,)), ("ignored", np.uint16, (4,))]
)
"""One detection: a bit for every IoU threshold, by size."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CocoScores:
    """Average precision of one group of frames.

    Args:
        precision: float64 (IoU thresholds 0.50 to 0.95, recall, class, size), -1 where a class has no object.
        objects: int64 (class, size), those that count.
    """

    precision: NDArray[np.float64] = field(repr=False)
    objects: NDArray[np.int64]

    def map50(self, *, class_id: int | None = None, size: str = "all") -> float | None:
        """At IoU 0.50, of one class or the mean over all that have objects; None where none has."""
        return mean_precision(self._part(class_id, size)[:1])

    def map50_95(self, *, class_id: int | None = None, size: str = "all") -> float | None:
        """The same as mean over IoU 0.50 to 0.95."""
        return mean_precision(self._part(class_id, size))

    def _part(self, class_id: int | None, size: str) -> NDArray[np.float64]:
        of_size = self.precision[..., SIZES.index(size)]
        return of_size if class_id is None else of_size[..., class_id]


class _Cell:
    """One class in one group: its detections, an array a batch of images, and how many objects count, by size."""

    def __init__(self) -> None:
        self.rows: list[NDArray[Any]] = []
        self.objects: NDArray[np.int64] = np.zeros(len(SIZES), np.int64)


class CocoGroups:
    """Takes frames one by one and gives the scores of any union of their groups.

    Args:
        labels: Names of the classes.

    Raises:
        MissingError: pycocotools is not installed.
    """

    def __init__(self, labels: tuple[str, ...]) -> None:
        self._labels = labels
        self._cells: dict[tuple[Hashable, int], _Cell] = {}
        self._waiting: list[tuple[Hashable, Detections, ImageTruth]] = []
        self._image_count = 0
        try:
            from pycocotools.coco import COCO
            from pycocotools.cocoeval import COCOeval
        except ImportError as error:
            raise MissingError("pycocotools is not installed", "pip install 'trt_perception[report]'") from error
        self._dataset_kind, self._evaluation_kind = COCO, COCOeval

    def add(self, group: Hashable, found: Detections, truth: ImageTruth) -> None:
        """Count one frame.

        Args:
            group: The group that it belongs to.
            found: Best score first.
            truth: Class ids as in the labels.
        """
        self._waiting.append((group, found, truth))
        if len(self._waiting) == _IMAGES_AT_ONCE:
            self._evaluate()

    def scores(self, groups: Collection[Hashable]) -> CocoScores:
        """The scores of the frames of these groups together."""
        self._evaluate()
        count = len(self._labels)
        objects = np.zeros((count, len(SIZES)), np.int64)
        results: list[Any] = []
        for class_id in range(count):
            cells = [cell for group in groups if (cell := self._cells.get((group, class_id))) is not None]
            objects[class_id] = sum((cell.objects for cell in cells), np.zeros(len(SIZES), np.int64))
            results += _joined(cells, objects[class_id]) if cells else [None] * len(SIZES)
        evaluation = self._evaluation_kind(iouType="bbox")
        evaluation.params.imgIds, evaluation.params.catIds = [0], list(range(count))
        evaluation.params.maxDets = [np.iinfo(np.int64).max]
        evaluation._paramsEval = evaluation.params
        evaluation.evalImgs = results
        with contextlib.redirect_stdout(io.StringIO()):
            evaluation.accumulate()
        return CocoScores(precision=evaluation.eval["precision"][..., 0], objects=objects)

    def _evaluate(self) -> None:
        if not self._waiting:
            return
        found: list[dict[str, Any]] = []
        truth: list[dict[str, Any]] = []
        groups: dict[int, Hashable] = {}
        for group, detections, image_truth in self._waiting:
            self._image_count += 1
            groups[self._image_count] = group
            found += coco_results(self._image_count, detections)
            truth += coco_annotations(self._image_count, image_truth)
        self._waiting.clear()
        classes = sorted({entry["category_id"] for entry in (*found, *truth)})
        rows: dict[tuple[int, int], NDArray[Any]] = {}
        for result in self._results(found, truth, list(groups), classes):
            if result is not None:
                image, class_id = result["image_id"], result["category_id"]
                cell = self._cells.setdefault((groups[image], class_id), _Cell())
                _fill(rows, cell, image, class_id, result)
        by_cell: dict[tuple[Hashable, int], list[NDArray[Any]]] = {}
        for (image, class_id), part in rows.items():
            by_cell.setdefault((groups[image], class_id), []).append(part)
        for key, parts in by_cell.items():
            self._cells[key].rows.append(np.concatenate(parts))

    def _results(
        self, found: list[dict[str, Any]], truth: list[dict[str, Any]], images: list[int], classes: list[int]
    ) -> list[Any]:
        """What COCOeval makes of every class, size and image, in that order."""
        if not classes:
            return []
        for entry in found:
            entry.update(area=entry["bbox"][2] * entry["bbox"][3], iscrowd=0)
        with contextlib.redirect_stdout(io.StringIO()):
            evaluation = self._evaluation_kind(self._dataset(truth, images), self._dataset(found, images), "bbox")
            evaluation.params.imgIds, evaluation.params.catIds = images, classes
            evaluation.params.maxDets = [MAX_DETECTIONS]
            evaluation.evaluate()
        results: list[Any] = evaluation.evalImgs
        return results

    def _dataset(self, annotations: list[dict[str, Any]], images: list[int]) -> Any:
        for number, annotation in enumerate(annotations, start=1):
            annotation["id"] = number  # 0 means "no match" to COCOeval
        dataset = self._dataset_kind()
        dataset.dataset = {
            "images": [{"id": image} for image in images],
            "categories": coco_categories(self._labels),
            "annotations": annotations,
        }
        dataset.createIndex()
        return dataset


def _fill(rows: dict[tuple[int, int], NDArray[Any]], cell: _Cell, image: int, class_id: int, result: Any) -> None:
    """Keeps what COCOeval found of one image, class and size. All sizes have the same detections in the same order."""
    size = _SIZE_OF_AREA[tuple(result["aRng"])]
    cell.objects[size] += np.count_nonzero(result["gtIgnore"] == 0)
    scores = result["dtScores"]
    if not scores:
        return
    part = rows.setdefault((image, class_id), np.zeros(len(scores), _ROW))
    part["image"], part["score"] = image, scores
    part["matched"][:, size] = _packed(result["dtMatches"])
    part["ignored"][:, size] = _packed(result["dtIgnore"])


def _joined(cells: list[_Cell], objects: NDArray[np.int64]) -> list[Any]:
    """One result a size, as if all images of the cells were one; of equal scores, the earlier image comes first."""
    rows = np.concatenate([part for cell in cells for part in cell.rows] or [np.zeros(0, _ROW)])
    rows = rows[np.argsort(rows["image"], kind="stable")]
    return [
        {
            "dtScores": rows["score"].astype(np.float64),
            "dtMatches": _unpacked(rows["matched"][:, size]),
            "dtIgnore": _unpacked(rows["ignored"][:, size]),
            "gtIgnore": np.zeros(count, np.int64),
        }
        for size, count in enumerate(objects.tolist())
    ]


def _packed(flags: NDArray[Any]) -> NDArray[np.uint16]:
    """uint16 (n,) of (thresholds, n)."""
    return np.asarray((_BITS[:, None] * (flags != 0)).sum(axis=0), np.uint16)


def _unpacked(bits: NDArray[np.uint16]) -> NDArray[np.bool_]:
    """bool (thresholds, n)."""
    return np.asarray(bits[None, :] & _BITS[:, None] != 0)
