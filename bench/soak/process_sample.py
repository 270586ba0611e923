"""What one process holds."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class ProcessSample:
    """At one moment.

    Args:
        at_s: Seconds from the start of the soak.
        private_mb: Resident memory that is not shared, 10^6 bytes.
        resident_mb: All resident memory; the senders' shared-memory segments that are mapped are part of it.
        files: Open file descriptors.
        threads: Threads.
        cpu_s: Processor time since its start.
    """

    at_s: float
    private_mb: float
    resident_mb: float
    files: int
    threads: int
    cpu_s: float

    @classmethod
    def of(cls, pid: int, at_s: float) -> ProcessSample:
        """Look at a process now."""
        folder = Path("/proc") / str(pid)
        _, resident, shared, *_ = (int(number) for number in (folder / "statm").read_text().split())
        page_mb = os.sysconf("SC_PAGE_SIZE") / 1e6
        found = re.search(r"^Threads:\s*(\d+)", (folder / "status").read_text(), re.MULTILINE)
        times = (folder / "stat").read_text().rpartition(")")[2].split()
        return cls(
            at_s=at_s,
            private_mb=(resident - shared) * page_mb,
            resident_mb=resident * page_mb,
            files=sum(1 for _ in (folder / "fd").iterdir()),
            threads=int(found[1]) if found else 0,
            cpu_s=(int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK"),
        )
