"""The descriptors of one camera's ring: one memory and two pipes, shared by the writer's and the reader's process."""

from __future__ import annotations

import os
from dataclasses import dataclass

from trt_perception.ingest.shared_memory import make_memory


@dataclass(frozen=True, kw_only=True)
class WriterEnds:
    """What the writer has.

    Args:
        memory: The shared memory.
        full_read, full_write: The pipe of tokens. The writer reads from it, too: that is how it takes a message back.
        free_read: The pipe through which slots come back.
    """

    memory: int
    full_read: int
    full_write: int
    free_read: int

    @property
    def descriptors(self) -> tuple[int, ...]:
        """All of them, as a child process must inherit them."""
        return self.memory, self.full_read, self.full_write, self.free_read

    def close(self) -> None:
        """Close what only the writer uses, where reader and writer were made in one process."""
        os.close(self.full_write)
        os.close(self.free_read)


@dataclass(frozen=True, kw_only=True)
class ReaderEnds:
    """What the reader has.

    Args:
        memory: The shared memory.
        full_read: The pipe of tokens; readable when a message waits, and at its end when the writer's process is gone.
        free_write: The pipe through which slots go back.
    """

    memory: int
    full_read: int
    free_write: int

    def close(self) -> None:
        """Close them."""
        for descriptor in (self.memory, self.full_read, self.free_write):
            os.close(descriptor)


def make_ring(name: str) -> tuple[WriterEnds, ReaderEnds]:
    """Both ends of a new ring. A writer's process inherits its own; then the reader's process closes them.

    Args:
        name: Shown in /proc/PID/maps, for people.
    """
    memory = make_memory(name)
    full_read, full_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    free_read, free_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    return (
        WriterEnds(memory=memory, full_read=full_read, full_write=full_write, free_read=free_read),
        ReaderEnds(memory=memory, full_read=full_read, free_write=free_write),
    )
