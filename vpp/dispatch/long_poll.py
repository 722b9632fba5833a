"""Waiting for setpoints without holding the web server hostage.

A request may wait a bounded time for something new. At most PLACES of a process's threads wait at once; who finds no
place is answered at once, as in plain polling. Waiting costs one look at the end of an index each LOOK_S.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from django.db import connection

from vpp.dispatch import operations

PLACES = 3  # of the six threads of a web process
LONGEST_S = 25
LOOK_S = 0.2

_places = threading.BoundedSemaphore(PLACES)


def wait_for_news(fetch: Callable[[], int], wait_s: float) -> int:
    """Call `fetch` (which tells how much it found) until it finds something or the time is over; its last answer."""
    deadline, seen = time.monotonic() + min(wait_s, LONGEST_S), operations.newest_cycle()
    found = fetch()
    if found or wait_s <= 0 or connection.in_atomic_block or not _places.acquire(blocking=False):
        return found
    try:
        while not found and time.monotonic() < deadline:
            time.sleep(LOOK_S)
            newest = operations.newest_cycle()
            if newest != seen:
                seen, found = newest, fetch()
        return found
    finally:
        _places.release()
