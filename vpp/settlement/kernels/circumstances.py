"""What a baseline needs to know besides the readings."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What else a rule needs to know, all by local date of the site.

    event_days   : dates of dispatch, tests included; they serve only as top-up.
    outage_days  : dates of declared outages; same.
    other_events : [start, end) of other events, which spoil an adjustment window.
    """

    holidays: frozenset[date] = frozenset()
    event_days: frozenset[date] = frozenset()
    outage_days: frozenset[date] = frozenset()
    other_events: tuple[tuple[datetime, datetime], ...] = ()
    daily_max_temp: Mapping[date, float] | None = None
