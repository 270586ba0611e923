"""Average precision over groups of frames, by pycocotools, in flat memory.

pycocotools keeps a dictionary for every box and a result for every image, class and size, and unfolds all of it at the
end. Here it evaluates some images at a time; what its last step needs of them waits on disk, and that step is done for
every group of frames that is asked for.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Collection, Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trt_perception.detections import Detections
from trt_perception.errors import MissingError
from trt_perception.validate.coco_form import coco_annotations, coco_categories, coco_results
from trt_perception.validate.detection_metrics import mean_precision
from trt_perception.validate.image_truth import ImageTruth
from trt_perception.validate.match_file import MATCH, MatchFile
from trt_perception.validate.precision_curve import PrecisionCurve, packed

SIZES = ("all", "small", "medium", "large")
"""COCO's ranges of an object's area, in the order in which its parameters have them."""
MAX_DETECTIONS = 100
"""Most detections of one image and class that count, best first, as in COCO's own figures."""

_IMAGES_AT_ONCE = 64
_SIZE_OF_AREA = {(0, 1e10): 0, (0, 1024): 1, (1024, 9216): 2, (9216, 1e10): 3}
"""COCO's ranges, square px."""


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


class CocoGroups:
    """Takes frames one by one and gives the scores of any union of their groups.

    Args:
        labels: Names of the classes.
        folder: Where matches wait, 28 bytes a detection and as much again while scores are computed. None: the
            system's folder for temporary files.

    Raises:
        MissingError: pycocotools is not installed.
        OSError: The disk is full.
    """

    def __init__(self, labels: tuple[str, ...], *, folder: Path | None = None) -> None:
        self._labels = labels
        self._numbers: dict[Hashable, int] = {}
        self._objects: dict[tuple[int, int], NDArray[np.int64]] = {}
        self._waiting: list[tuple[Hashable, Detections, ImageTruth]] = []
        self._image_count = 0
        try:
            from pycocotools.coco import COCO
            from pycocotools.cocoeval import COCOeval
        except ImportError as error:
            raise MissingError("pycocotools is not installed", "pip install 'trt_perception[report]'") from error
        self._dataset_kind, self._evaluation_kind = COCO, COCOeval
        self._matches = MatchFile(folder)

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
        numbers = [self._numbers[group] for group in groups if group in self._numbers]
        objects = np.zeros((len(self._labels), len(SIZES)), np.int64)
        precision = []
        for class_id, count in enumerate(objects):
            for number in numbers:
                count += self._objects.get((number, class_id), 0)
            curve = PrecisionCurve(count)
            for rows in self._matches.of_class(class_id) if count.any() else ():
                curve.add(rows[np.isin(rows["group"], numbers)])
            precision.append(curve.precision())
        return CocoScores(precision=np.stack(precision, axis=2), objects=objects)

    def close(self) -> None:
        """Free the disk; no more scores. Harmless when called twice."""
        self._matches.close()

    def _evaluate(self) -> None:
        if not self._waiting:
            return
        found: list[dict[str, Any]] = []
        truth: list[dict[str, Any]] = []
        groups: dict[int, int] = {}
        for group, detections, image_truth in self._waiting:
            self._image_count += 1
            groups[self._image_count] = self._numbers.setdefault(group, len(self._numbers))
            found += coco_results(self._image_count, detections)
            truth += coco_annotations(self._image_count, image_truth)
        self._waiting.clear()
        classes = sorted({entry["category_id"] for entry in (*found, *truth)})
        rows: dict[tuple[int, int], NDArray[Any]] = {}
        for result in self._results(found, truth, list(groups), classes):
            if result is not None:
                self._take(rows, groups[result["image_id"]], result)
        # Class by class, each in the order of the images, as the results are.
        self._matches.append(np.concatenate([np.zeros(0, MATCH), *rows.values()]))

    def _take(self, rows: dict[tuple[int, int], NDArray[Any]], group: int, result: Any) -> None:
        """Keeps what COCOeval found of one image, class and size. All sizes have the same detections in one order."""
        image, class_id, size = result["image_id"], result["category_id"], _SIZE_OF_AREA[tuple(result["aRng"])]
        objects = self._objects.setdefault((group, class_id), np.zeros(len(SIZES), np.int64))
        objects[size] += np.count_nonzero(result["gtIgnore"] == 0)
        scores = result["dtScores"]
        if not scores:
            return
        part = rows.setdefault((class_id, image), np.zeros(len(scores), MATCH))
        part["class_id"], part["group"], part["score"] = class_id, group, scores
        part["matched"][:, size] = packed(result["dtMatches"])
        part["ignored"][:, size] = packed(result["dtIgnore"])

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
