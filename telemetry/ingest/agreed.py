"""When the owners of sites did not agree to being measured."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import numpy as np

from telemetry.kernels.batch import IntColumn
from vpp.enrollment.models import Consent

Periods = list[tuple[int, int]]
FOR_EVER = np.iinfo(np.int64).max


def withdrawn_periods() -> dict[int, Periods]:
    """Site -> [begin, end) in microseconds, in which no consent was in force after one had been withdrawn.

    Before the first consent nothing is withdrawn: the history of a device may be taken in when it comes.
    """
    once = Consent.objects.filter(withdrawn_at__isnull=False).values("site")
    rows = Consent.objects.filter(site__in=once).order_by("site_id", "given_at")
    by_site: dict[int, list[tuple[datetime, datetime | None]]] = {}
    for site_id, given_at, withdrawn_at in rows.values_list("site_id", "given_at", "withdrawn_at"):
        by_site.setdefault(site_id, []).append((given_at, withdrawn_at))
    return {site_id: periods for site_id, consents in by_site.items() if (periods := _between(consents))}


def _between(consents: Iterable[tuple[datetime, datetime | None]]) -> Periods:
    """What the consents of a site, in the order in which they were given, leave open."""
    periods: Periods = []
    covered_us: int | None = None
    for given_at, withdrawn_at in consents:
        given_us, end_us = _us(given_at), FOR_EVER if withdrawn_at is None else _us(withdrawn_at)
        if covered_us is not None and given_us > covered_us:
            periods.append((covered_us, given_us))
        covered_us = end_us if covered_us is None else max(covered_us, end_us)
    if covered_us is not None and covered_us < FOR_EVER:
        periods.append((covered_us, FOR_EVER))
    return periods


def _us(moment: datetime) -> int:
    return round(moment.timestamp() * 1e6)


def layers(site_id: IntColumn, withdrawn: dict[int, Periods]) -> list[tuple[IntColumn, IntColumn]]:
    """The periods of (D,) devices as `Ratings.not_agreed` takes them; none where nothing was withdrawn."""
    touched = np.flatnonzero(np.isin(site_id, list(withdrawn))) if withdrawn else np.empty(0, dtype=np.int64)
    rows = {place: withdrawn[int(site_id[place])] for place in touched.tolist()}
    found = [
        (np.zeros(site_id.size, dtype=np.int64), np.zeros(site_id.size, dtype=np.int64))
        for _ in range(max(map(len, rows.values()), default=0))
    ]
    for place, periods in rows.items():
        for (begin_us, end_us), period in zip(found, periods, strict=False):
            begin_us[place], end_us[place] = period
    return found
