"""Answers kept for everybody who looks: one reader makes them anew while the others still get the last one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from django.core.cache import cache

T = TypeVar("T")
MAKING_S = 10  # who has not made it by then has failed


def kept(key: str, for_s: float, make: Callable[[], T]) -> T:
    """What `make` gave at most `for_s` seconds ago, or while somebody makes it anew a little longer."""
    found: tuple[float, T] | None = cache.get(key)
    if found is not None:
        fresh = time.monotonic() - found[0] < for_s
        if fresh or not cache.add(f"{key}:making", 1, MAKING_S):
            return found[1]
    made = make()
    cache.set(key, (time.monotonic(), made), for_s + MAKING_S)
    cache.delete(f"{key}:making")
    return made
