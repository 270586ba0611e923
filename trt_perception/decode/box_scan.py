"""The first kernel of a family of boxes: which candidates reach their limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from trt_perception.kernel_call import Argument, KernelCall, KernelSource, Size

SCAN_THREADS = 256
"""Threads of a block of every scan."""
RECORD_BYTES = 32
"""What a block leaves: `ScanRecord` of box_memory.cuh."""


class Part(NamedTuple):
    """Where something begins in an output of the model.

    Args:
        output: Name of the output.
        offset: Bytes from its start.
    """

    output: str
    offset: int = 0

    def address(self, outputs: Mapping[str, int]) -> np.uint64:
        """On the device, by the outputs' addresses."""
        return np.uint64(outputs[self.output] + self.offset)


@dataclass(frozen=True, kw_only=True)
class BoxScan:
    """One launch, whose blocks leave a record and a segment of keys each.

    Args:
        source: The kernel, compiled for the outputs' types.
        blocks: Blocks of SCAN_THREADS threads.
        segment: Most candidates of a block.
        arguments: The kernel's own, in its order; limits, records, keys and class ids follow them.
        threads: Shape of a block.
        has_class_ids: Whether the kernel stores each candidate's class, rather than to have it in the index.
    """

    source: KernelSource
    blocks: int
    segment: int
    arguments: tuple[Part | np.int32 | np.uint64, ...]
    threads: Size = (SCAN_THREADS, 1, 1)
    has_class_ids: bool = True

    @property
    def slots(self) -> int:
        """Most candidates of all blocks."""
        return self.blocks * self.segment

    def call(self, outputs: Mapping[str, int], *, limits: int, records: int, keys: int, class_ids: int) -> KernelCall:
        """The launch.

        Args:
            outputs: Addresses of the model's outputs, by name.
            limits: Address of the limits.
            records: Address for RECORD_BYTES a block.
            keys: Address for 8 bytes a slot.
            class_ids: Address for 4 bytes a row.
        """
        own: list[Argument] = [
            argument.address(outputs) if isinstance(argument, Part) else argument for argument in self.arguments
        ]
        addresses = [limits, records, keys, *([class_ids] if self.has_class_ids else [])]
        return KernelCall(
            source=self.source,
            grid=(self.blocks, 1, 1),
            block=self.threads,
            arguments=(*own, *(np.uint64(address) for address in addresses)),
        )
