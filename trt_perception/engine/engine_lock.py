"""One builder of an engine at a time: the others wait, and then find it built."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from trt_perception.engine.engine_files import EngineFiles
from trt_perception.errors import EngineError


@contextmanager
def engine_lock(engine: Path, *, waiting: Callable[[str], None] | None = None) -> Iterator[None]:
    """Hold the engine's lock; wait for it where another process, or thread, holds it.

    The lock is the kernel's (flock) on `front.engine.lock`: it ends with its holder, however that ends, so none is ever
    stale. The file itself stays; removing it would let two builders lock two files of one name. A child that is forked
    without exec shares the lock with its parent.

    Args:
        engine: The plan that is to be built.
        waiting: Called once, with a sentence that names the holder, before waiting begins.

    Raises:
        EngineError: The lock file cannot be opened, or its file system has no locks.
    """
    path = EngineFiles(engine).lock
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise EngineError(
            engine,
            f"cannot open {path.name}: {error.strerror or error}",
            "give a folder that you may write",
        ) from error
    try:
        _acquire(handle, engine, waiting)
        _write_holder(handle)
        yield
    finally:
        os.close(handle)  # and with it the lock


def _acquire(handle: int, engine: Path, waiting: Callable[[str], None] | None) -> None:
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if waiting is not None:
                waiting(f"{engine}: waiting for {_holder(handle)}, which builds it")
            fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError as error:
        raise EngineError(
            engine, f"cannot be locked: {error.strerror or error}", "give an --out on a file system that has locks"
        ) from error


def _holder(handle: int) -> str:
    """Who wrote itself into the file: for people only, it decides nothing."""
    with suppress(OSError):
        text = os.pread(handle, 200, 0).decode(errors="replace").strip()
        if text.isprintable() and text:
            return text
    return "another process"


def _write_holder(handle: int) -> None:
    with suppress(OSError):  # a full disk is no reason not to hold the lock
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
