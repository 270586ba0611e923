"""One of the places that a camera's frames are uploaded to."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from trt_perception.runtime.gpu import Memory


@dataclass(kw_only=True, eq=False)
class DeviceFrame:
    """Memory of one frame, with the events that keep a writer from overtaking readers. Made by `CameraUpload`.

    Args:
        index: Number of the place, from 0.
        memory: Of the device; where host memory is mapped, of the host, or None where others own the pixels.
        address: Where kernels find the pixels of the frame that is here now.
        uploaded: Happens when the pixels are there; None where the host has put them there before any launch.
    """

    index: int
    memory: Memory | None
    address: int
    uploaded: Any = None
    readers: list[Any] = field(default_factory=list)
    """Events after which a pipeline no longer reads the pixels."""
    takers: set[object] = field(default_factory=set)
    """The pipelines that have been given the frame that is here now."""

    def let_go(self, reader: Any) -> None:
        """A reader's event has happened: nobody need wait for it. Any thread."""
        with suppress(ValueError):  # somebody has waited for it already
            self.readers.remove(reader)
