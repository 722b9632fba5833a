"""Where the prices of a zone come from: a room to the right of this one names its query when it starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class PriceHistory:
    """Day-ahead prices as known then: naive UTC starts (T,) rising, price_eur_per_mwh (T,), their step in minutes."""

    starts: NDArray[np.datetime64]
    price_eur_per_mwh: NDArray[np.float64]
    step_minutes: int


Source = Callable[[str, datetime, datetime, datetime], PriceHistory | None]
_sources: list[Source] = []


def name_price_source(source: Source) -> None:
    """source(zone_code, start, end, known_at) gives the prices in [start, end); the last one named is asked."""
    _sources[:] = [source]


def price_history(zone_code: str, start: datetime, end: datetime, known_at: datetime) -> PriceHistory | None:
    """None where nobody knows prices of the zone."""
    return _sources[0](zone_code, start, end, known_at) if _sources else None
