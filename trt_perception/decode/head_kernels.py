"""What every head family's decoder on the GPU can do: the twin of `HeadDecoder`, as kernels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from trt_perception.kernel_call import KernelCall
from trt_perception.preprocess.image_transform import ImageTransform
from trt_perception.result import HeadResult
from trt_perception.thresholds import Thresholds

BLOCK_ALIGNMENT = 256
"""Addresses given to `HeadKernels.calls` are multiples of it, as those of every allocation on the device are."""


class HeadKernels(Protocol):
    """Describes the work that makes one head's result on the GPU. Needs no GPU itself and holds no state of a frame.

    Three blocks of device memory belong to one head of one slot: its workspace, its limits and its result. The calls
    name them by address, so they stay where they are while a captured graph lives; what is in the limits may change.
    """

    @property
    def workspace_bytes(self) -> int:
        """Size of the workspace, at least 1. Nothing in it survives a frame, and nothing need be in it before."""

    @property
    def limits_bytes(self) -> int:
        """Size of the block of limits; 0 for heads that have none."""

    def limits(self, thresholds: Thresholds) -> NDArray[np.uint8]:
        """What the block of limits has to hold: uint8 (limits_bytes,).

        Raises:
            ConfigError: `per_class` names a label that the head does not have.
        """

    def result_bytes(self, transform: ImageTransform) -> int:
        """Size of the result for images of that transform: one block, to be copied to the host after the calls."""

    def calls(
        self, outputs: Mapping[str, int], transform: ImageTransform, *, limits: int, workspace: int, result: int
    ) -> tuple[KernelCall, ...]:
        """The work, in order.

        Args:
            outputs: Device addresses of the model's outputs, by tensor name.
            transform: Where the image lies in the network's input.
            limits: Device address of the limits; 0 where `limits_bytes` is.
            workspace: Device address of the workspace.
            result: Device address of the result.
        """

    def read(self, result: NDArray[np.uint8], transform: ImageTransform) -> HeadResult:
        """The head's result in pixels of the received image; what `HeadDecoder.decode` gives for the same outputs.

        Args:
            result: uint8 (result_bytes,), as the calls left it, and left so by its owner: masks are parts of it. Boxes
                are copies, so that keeping them keeps no mask.
            transform: The one that the calls were made for.

        Raises:
            FrameError: inference_failed: an output holds NaN, infinity or class ids that do not exist.
        """


def aligned(nbytes: int) -> int:
    """`nbytes`, rounded up to the next multiple of BLOCK_ALIGNMENT."""
    return -(-nbytes // BLOCK_ALIGNMENT) * BLOCK_ALIGNMENT


def view(block: NDArray[np.uint8], offset: int, dtype: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    """A part of a block as an array that shares its memory."""
    nbytes = np.dtype(dtype).itemsize * math.prod(shape)
    part: NDArray[Any] = block[offset : offset + nbytes].view(dtype)
    return part.reshape(shape)
