"""Memory that processes share by a descriptor. It has no name: whoever is killed, nothing of it stays behind."""

from __future__ import annotations

import errno
import mmap
import os
from pathlib import Path

from trt_perception.errors import DropReason, FrameError

SHM = "/dev/shm"
CGROUP = Path("/sys/fs/cgroup")
NO_LIMIT = 2**62


def make_memory(name: str) -> int:
    """A descriptor of new, empty memory; gone with the last process that has it open or mapped.

    Args:
        name: Shown in /proc/PID/maps, for people.
    """
    try:
        return os.memfd_create(name, os.MFD_CLOEXEC)
    except (AttributeError, OSError):  # a Python for older C libraries, or a sandbox that forbids it
        return os.open(SHM, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)


def extend_memory(memory: int, start: int, nbytes: int) -> mmap.mmap:
    """Allocate and map `nbytes` from `start` on; both are multiples of the page size.

    Allocated at once, since a page that cannot be had later would be a SIGBUS.

    Raises:
        FrameError: no_room; says how many bytes are needed and how many there are.
    """
    available = available_bytes(memory)
    if nbytes > available // 2:  # one image that claims to be huge must not starve all else
        raise _no_room(nbytes, available)
    try:
        os.posix_fallocate(memory, start, nbytes)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.ENOMEM, errno.EFBIG):
            raise
        raise _no_room(nbytes, available) from error
    return map_memory(memory, start, nbytes)


def map_memory(memory: int, start: int, nbytes: int) -> mmap.mmap:
    """Map a part that is allocated already."""
    return mmap.mmap(memory, nbytes, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE, offset=start)


def available_bytes(memory: int) -> int:
    """Bytes by which the memory may grow: the least that machine, container and file system have left."""
    limits = [_meminfo_available()]
    file_system = os.fstatvfs(memory)
    if file_system.f_blocks:  # /dev/shm has a size; memory by memfd_create has none
        limits.append(file_system.f_bavail * file_system.f_frsize)
    limits.append(_container_available())
    return min(limits)


def _meminfo_available() -> int:
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return NO_LIMIT


def _container_available() -> int:
    """What the control group leaves, files that are only cached counted as free."""
    try:
        limit = int((CGROUP / "memory.max").read_text(encoding="ascii"))
        used = int((CGROUP / "memory.current").read_text(encoding="ascii"))
        counts = dict(line.split() for line in (CGROUP / "memory.stat").read_text(encoding="ascii").splitlines())
        cached = sum(int(counts[name]) for name in ("inactive_file", "active_file"))
    except (OSError, ValueError, KeyError):  # no such group, or no limit: "max"
        return NO_LIMIT
    return max(0, limit - used + cached)


def _no_room(nbytes: int, available: int) -> FrameError:
    return FrameError(
        DropReason.NO_ROOM,
        f"the ring needs {nbytes} bytes of shared memory, {available} are available, of which it may take half; "
        f"give the machine or the container more (docker: --memory, --shm-size), or set `ingest: {{receivers: 0}}`",
    )
