"""Memory of processes that run for months."""

from __future__ import annotations

import ctypes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # malloc.h of glibc
LARGE_BYTES = 512 * 1024


def give_back_freed_memory() -> bool:
    """Large blocks go back to the system as soon as they are freed; False where the C library knows no such thing.

    Left alone, glibc takes each large block that is freed as a sign that such blocks are kept on the heap from then on,
    where whatever lies above one holds it: a loop that now and then handles the columns of a whole fleet then stands
    at the sum of its worst moments.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = ((M_MMAP_THRESHOLD, LARGE_BYTES), (M_TRIM_THRESHOLD, LARGE_BYTES), (M_ARENA_MAX, 2))
    return all(mallopt(name, value) == 1 for name, value in settings)
