"""The moment at the edges.

Everything below the edges takes its moment as an argument. Edges (views, actors, commands) ask here, so that a played
day can run on its own clock inside one process.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime

_lock = threading.Lock()
_simulated: datetime | None = None


def now() -> datetime:
    """The present moment, UTC: real time, or the simulated one while a played day has set it."""
    with _lock:
        return _simulated if _simulated is not None else datetime.now(UTC)


def set_simulated(moment: datetime | None) -> None:
    """Let `now()` answer `moment` in this process; None gives real time back."""
    global _simulated
    if moment is not None and moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone")
    with _lock:
        _simulated = moment


def is_simulated() -> bool:
    with _lock:
        return _simulated is not None
