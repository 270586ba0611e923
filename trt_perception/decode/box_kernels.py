"""The kernels that make detections: a scan over the whole output, and one block that finishes what it has found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trt_perception.decode.box_block import BoxBlock
from trt_perception.decode.box_finish import FINISH_THREADS, BoxFinish, transform_arguments
from trt_perception.decode.box_limits import limits_block, limits_bytes
from trt_perception.decode.box_scan import RECORD_BYTES, BoxScan
from trt_perception.decode.candidates import MAX_CANDIDATES
from trt_perception.decode.head_kernels import aligned
from trt_perception.detections import Detections
from trt_perception.errors import DropReason, FrameError
from trt_perception.kernel_call import KernelCall
from trt_perception.model.model_spec import TensorType
from trt_perception.preprocess.image_transform import ImageTransform
from trt_perception.thresholds import Thresholds


class Checked(NamedTuple):
    """An output all of whose values have to be finite.

    Args:
        output: Its name.
        columns: Its values for one row.
        rows: Its rows; None: as many as the model says.
    """

    output: str
    columns: int
    rows: int | None


@dataclass(frozen=True, kw_only=True)
class ClassNumbers:
    """The output with class numbers, of families that have one: they may be of classes that do not exist."""

    output: str
    dtype: TensorType


class BoxKernels:
    """Boxes of one head, as `HeadKernels`. The result is a `BoxBlock`, which other kernels may read on.

    The scan's blocks store what they find each in a place of its own, and the finish looks at all of these: nothing
    has to be cleared before, and no order of threads shows in the result.

    Args:
        labels: Names of the classes.
        scan: What finds the candidates.
        finish: What makes boxes of them.
        checked: Outputs that the scan checks, one or two, in its order.
        class_numbers: Where classes are numbers in an output.
        declared: Output in which the model says how many boxes it has.
        most_detections: Detections beyond which none are kept, whatever the thresholds say.
    """

    def __init__(
        self,
        labels: tuple[str, ...],
        scan: BoxScan,
        finish: BoxFinish,
        checked: tuple[Checked, ...],
        *,
        class_numbers: ClassNumbers | None = None,
        declared: str | None = None,
        most_detections: int = MAX_CANDIDATES,
    ) -> None:
        self._labels = labels
        self._scan = scan
        self._finish = finish
        self._checked = checked
        self._class_numbers = class_numbers
        self._declared = declared
        self._most_detections = min(most_detections, MAX_CANDIDATES, finish.rows)
        self.block = BoxBlock(capacity=self._most_detections)

    @property
    def workspace_bytes(self) -> int:
        """`HeadKernels` says more."""
        return sum(self._workspace_sizes())

    @property
    def limits_bytes(self) -> int:
        """`HeadKernels` says more."""
        return limits_bytes(self._labels)

    def limits(self, thresholds: Thresholds) -> NDArray[np.uint8]:
        """`HeadKernels` says more."""
        most = min(thresholds.max_detections, self._most_detections)
        return limits_block(replace(thresholds, max_detections=most), self._labels)

    def result_bytes(self, transform: ImageTransform) -> int:
        """`HeadKernels` says more."""
        return self.block.nbytes

    def calls(
        self, outputs: Mapping[str, int], transform: ImageTransform, *, limits: int, workspace: int, result: int
    ) -> tuple[KernelCall, ...]:
        """Two launches; `HeadKernels` says more."""
        sizes = self._workspace_sizes()
        records, keys, class_ids, spare, ordered = (workspace + sum(sizes[:index]) for index in range(len(sizes)))
        scan = self._scan.call(outputs, limits=limits, records=records, keys=keys, class_ids=class_ids)
        places = (0, self.block.boxes, self.block.scores, self.block.class_ids, self.block.positions)
        finish = KernelCall(
            source=self._finish.source,
            grid=(1, 1, 1),
            block=(FINISH_THREADS, 1, 1),
            arguments=(
                *self._finish.arguments(outputs),
                np.uint64(records),
                np.int32(self._scan.blocks),
                np.int32(self._scan.segment),
                *(np.uint64(address) for address in (keys, spare, ordered, class_ids, limits)),
                *transform_arguments(transform),
                *(np.uint64(result + place) for place in places),
            ),
        )
        return scan, finish

    def read(self, result: NDArray[np.uint8], transform: ImageTransform) -> Detections:
        """`HeadKernels` says more."""
        self.check(result)
        return self.block.detections(result)

    def check(self, result: NDArray[np.uint8]) -> None:
        """Refuse the frame if its outputs cannot be used.

        Args:
            result: The block.

        Raises:
            FrameError: inference_failed, as the family's `HeadDecoder` says it.
        """
        header = self.block.header(result)
        declared = int(header["declared"])
        if self._declared and not 0 <= declared <= self._finish.rows:
            raise _failed(self._declared, f"{declared} boxes, expected 0 to {self._finish.rows}")
        for checked, count in zip(self._checked, header["not_finite"], strict=False):
            if count:
                rows = declared if checked.rows is None else checked.rows
                raise _failed(checked.output, f"{count} of {rows * checked.columns} values are NaN or infinite")
        if header["has_foreign"] and self._class_numbers:
            foreign = np.array([header["foreign"]]).view(self._class_numbers.dtype.value)[0]
            raise _failed(
                self._class_numbers.output,
                f"class number {foreign}, expected a whole number from 0 to {len(self._labels) - 1}",
            )
        if header["bad_boxes"]:
            raise _failed(self._finish.boxes.output, "a box is NaN or infinite")

    def _workspace_sizes(self) -> tuple[int, ...]:
        """Bytes of records, keys, class ids, a list of all keys (of pairs two), and the best keys in order."""
        slots = 8 * self._scan.slots
        spare = slots * (2 if self._finish.are_pairs else 1)
        sizes = (self._scan.blocks * RECORD_BYTES, slots, 4 * self._finish.rows, spare, 8 * MAX_CANDIDATES)
        return tuple(aligned(size) for size in sizes)


def _failed(output: str, problem: str) -> FrameError:
    return FrameError(DropReason.INFERENCE_FAILED, f"output {output!r}: {problem}")
