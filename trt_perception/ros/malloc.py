"""Keeps glibc from giving the memory of every image back to the kernel."""

from __future__ import annotations

import ctypes

# Numbers of mallopt(3), from glibc's <malloc.h>.
_M_TRIM_THRESHOLD = -1
_M_TOP_PAD = -2
_M_MMAP_THRESHOLD = -3


def tune_malloc() -> bool:
    """Let freed image buffers be used again instead of being unmapped; call it before the first large allocation.

    With glibc's defaults every 6 MB message is mapped, touched page by page and unmapped three times, which costs five
    times what receiving it does.

    Returns:
        Whether the C library took all three settings; False where it is not glibc.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = (
        (_M_MMAP_THRESHOLD, 1 << 25),  # the largest that 64-bit glibc takes
        (_M_TRIM_THRESHOLD, 2**31 - 1),
        (_M_TOP_PAD, 64 << 20),
    )
    return all(mallopt(name, value) == 1 for name, value in settings)
