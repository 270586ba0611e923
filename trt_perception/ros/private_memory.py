"""How much memory a process holds for itself."""

from __future__ import annotations

import os
from pathlib import Path


def private_memory_mb(pid: int | str = "self") -> float:
    """Resident memory of a process that is not shared, 10^6 bytes; 0 where the system does not tell.

    The senders' shared-memory segments, which a receiver maps page by page, are theirs and do not count.
    """
    try:
        _, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return 0.0
    return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE") / 1e6
