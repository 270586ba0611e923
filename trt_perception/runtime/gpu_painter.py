"""Draws the results of a pipeline's frames into their images where both lie: on the GPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trt_perception.draw.draw_kernels import DrawKernels, kernel_sources
from trt_perception.draw.draw_tables import DrawTables
from trt_perception.errors import DeviceError
from trt_perception.kernel_call import KernelCall
from trt_perception.preprocess.frame_layout import FrameLayout
from trt_perception.runtime.gpu import Gpu, Memory

Picture = Callable[[], NDArray[np.uint8]]
"""Gives a picture: uint8 (h, w, 3), BGR."""

MOST_CALLS = 16
"""Sets of calls that are kept: places of the pixels, with those of the results."""


@dataclass(kw_only=True)
class _Canvas:
    """What pictures of one layout take.

    Args:
        layout: Of the frames.
        tables: What the kernels look up.
        constants: Where it lies.
        picture: Where a picture is made; a stream uses it in turn.
        copies: Pinned memory that it comes back to, one for each slot.
        calls: By addresses of pixels and results.
    """

    layout: FrameLayout
    tables: DrawTables
    constants: Memory
    picture: Memory
    copies: tuple[Memory, ...]
    calls: dict[tuple[int, ...], tuple[KernelCall, ...]] = field(default_factory=dict)

    @property
    def memory(self) -> tuple[Memory, ...]:
        """All of it."""
        return (self.constants, self.picture, *self.copies)


class GpuPainter:
    """Takes memory for one layout of frames at a time, once a frame of it is drawn.

    Args:
        gpu: Where it draws.
        draw: The kernels.
        wanted: Whether anybody looks at the pictures; asked for every frame.
        slots: Frames under way at once.

    Raises:
        MissingError, DeviceError: The kernels cannot be compiled.
    """

    def __init__(self, gpu: Gpu, draw: DrawKernels, *, wanted: Callable[[], bool], slots: int) -> None:
        self._gpu = gpu
        self._draw = draw
        self._wanted = wanted
        self._slots = slots
        self._canvas: _Canvas | None = None
        self._refused: FrameLayout | None = None
        gpu.use()
        for source in kernel_sources():  # not when the first frame comes
            gpu.load_kernel(source)

    def draw(
        self,
        layout: FrameLayout,
        stream: Any,
        *,
        pixels: int,
        results: Mapping[str, int],
        slot: int,
        settle: Callable[[], None],
    ) -> Picture | None:
        """Draw a frame and copy the picture to the host, if somebody looks and there is memory for it.

        Where memory lacks there is no picture, rather than no result.

        Args:
            layout: Of the frame.
            stream: Where its results were enqueued before.
            pixels: Address of the frame.
            results: Addresses of the heads' results, by name.
            slot: Number of the slot, whose last picture has been read.
            settle: Has all pictures read that are under way, and waits for the stream; called before memory is freed.

        Returns:
            What gives the picture, a copy, once the stream has done all this; to be called before the slot's next.

        Raises:
            DeviceError: CUDA fails.
        """
        if not self._wanted():
            self._refused = None  # whoever looks next, it is tried anew
            return None
        if layout == self._refused:
            return None
        if self._canvas is None or self._canvas.layout != layout:
            settle()
            self.close()
            self._refused = None if self._take_memory(layout, stream) else layout
        canvas = self._canvas
        if canvas is None:
            return None
        for call in self._calls(canvas, pixels, results):
            self._gpu.launch(call, int(stream.handle))
        self._gpu.download(canvas.copies[slot], canvas.picture.address, stream)
        return partial(self._read, canvas.copies[slot], layout)

    def close(self) -> None:
        """Free everything; nothing of it may be under way. It is taken again with the next frame that is drawn."""
        canvas, self._canvas = self._canvas, None
        if canvas is not None and not self._gpu.is_lost():
            for memory in canvas.memory:
                self._gpu.free(memory)

    def _take_memory(self, layout: FrameLayout, stream: Any) -> bool:
        """Make the canvas; whether there was memory for it."""
        gpu, tables = self._gpu, self._draw.tables(layout)
        nbytes = self._draw.picture_bytes(layout)
        taken: list[Memory] = []
        try:
            taken.append(gpu.allocate(tables.block.nbytes))
            gpu.upload(taken[0].address, tables.block, stream)
            taken.append(gpu.allocate(nbytes))
            for _ in range(self._slots):
                taken.append(gpu.allocate_pinned(nbytes))  # noqa: PERF401 - what was taken must be known when one fails
        except DeviceError as error:
            if error.is_sticky:
                raise
            with gpu.guard("waiting for a picture's tables"):
                stream.sync()
            for memory in taken:
                gpu.free(memory)
            return False
        constants, picture, *copies = taken
        self._canvas = _Canvas(layout=layout, tables=tables, constants=constants, picture=picture, copies=tuple(copies))
        return True

    def _calls(self, canvas: _Canvas, pixels: int, results: Mapping[str, int]) -> tuple[KernelCall, ...]:
        """The same objects for the same addresses, which makes launches cheap."""
        key = (pixels, *results.values())
        if key not in canvas.calls:
            if len(canvas.calls) >= MOST_CALLS:
                canvas.calls.clear()
            canvas.calls[key] = self._draw.calls(
                canvas.layout,
                canvas.tables,
                pixels=pixels,
                results=results,
                constants=canvas.constants.address,
                picture=canvas.picture.address,
            )
        return canvas.calls[key]

    def _read(self, copy: Memory, layout: FrameLayout) -> NDArray[np.uint8]:
        block: NDArray[np.uint8] = self._gpu.array(copy, shape=(copy.nbytes,), dtype=np.dtype(np.uint8))
        return self._draw.read(block, layout)
