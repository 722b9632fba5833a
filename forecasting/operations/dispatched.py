"""Note the periods in which devices followed the plant, so that the next forecasts do not learn from them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from forecasting.models import DispatchedPeriod


def record_dispatched(
    *, device_ids: Sequence[int], periods: Sequence[tuple[datetime, datetime]], source: str, at: datetime
) -> int:
    """One half-open UTC period per device; a repeat of (device, period, source) changes nothing."""
    rows = [
        DispatchedPeriod(device_id=int(device_id), period=DateTimeTZRange(*period), source=source, available_at=at)
        for device_id, period in zip(device_ids, periods, strict=True)
    ]
    DispatchedPeriod.objects.bulk_create(rows, ignore_conflicts=True, batch_size=2000)
    return len(rows)
