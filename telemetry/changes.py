"""Which days of which devices later readings have changed; asked through `telemetry.queries`."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
from django.db import connection

from telemetry.storage import arrivals
from telemetry.storage.copying import moment
from telemetry.storage.days import as_date


def changed_days(since: datetime, until: datetime) -> dict[tuple[int, date], datetime]:
    """(device id, UTC day) of which something became known in (since, until], and when the last of it did."""
    waiting = arrivals.known_between(round(since.timestamp() * 1e6), round(until.timestamp() * 1e6))
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT device_id, day, max(available_at) FROM (
                SELECT device_id, day, available_at FROM telemetry_rollupday
                UNION ALL
                SELECT device_id, (bucket AT TIME ZONE 'UTC')::date, available_at FROM telemetry_rollup15
                UNION ALL
                SELECT r.device_id, (r.ts AT TIME ZONE 'UTC')::date, r.available_at
                FROM telemetry_touchedbucket t JOIN telemetry_reading r ON r.device_id = t.device_id
                AND r.ts >= t.bucket AND r.ts < t.bucket + interval '15 minutes'
            ) known (device_id, day, available_at) WHERE available_at > %s AND available_at <= %s GROUP BY 1, 2""",
            [since, until],
        )
        changed = {(device_id, day): available_at for device_id, day, available_at in cursor}
    order = np.argsort(waiting.available_us, kind="stable")
    columns = (waiting.device_id[order], waiting.day[order], waiting.available_us[order])
    for device_id, day, available_us in zip(*(column.tolist() for column in columns), strict=True):
        key, known_at = (device_id, as_date(day)), moment(available_us)
        changed[key] = max(changed.get(key, known_at), known_at)
    return changed
