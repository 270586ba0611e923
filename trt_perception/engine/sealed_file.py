"""Bytes under a path that nobody can change: a library is loaded by its path, but has to be what was hashed."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


def sealed_path(data: bytes, name: str) -> str | None:
    """A path of this process at which `data` stands from now on, in memory, whatever becomes of the file it came from.

    It stays while the process lives: the loader tells libraries apart by path, so that no path may serve twice.

    Args:
        data: The content.
        name: What debuggers and ``/proc/PID/maps`` show.

    Returns:
        None where the system has no such files: no Linux, no /proc, or a kernel that is told not to run code from them.
    """
    try:
        file = os.memfd_create(name[:200], os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    except (AttributeError, OSError):
        return None
    path = f"/proc/self/fd/{file}"
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(file, left) :]
        fcntl.fcntl(
            file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
        )
        if Path(path).exists():
            return path
    except OSError:
        pass
    os.close(file)
    return None
