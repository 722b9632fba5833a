"""The newest reading of each device."""

from __future__ import annotations

import numpy as np
from django.db import connection

from telemetry.ingest.rows import COLUMNS, STAGE, STAGE_COLUMNS
from telemetry.kernels.readings import Readings
from telemetry.storage import raw
from telemetry.storage.copying import copy_in, empty_stage


def advance(readings: Readings) -> None:
    """Newer wins; of two versions of one instant the one that became known later. Readings by (device, time)."""
    newest = np.append(readings.device_runs()[1:], True)
    empty_stage(STAGE, STAGE_COLUMNS)
    copy_in(STAGE, raw.row_fields(readings.take(newest)))
    assignments = ", ".join(
        f"{name.strip()} = EXCLUDED.{name.strip()}" for name in COLUMNS.split(",") if "device" not in name
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO telemetry_latest AS known ({COLUMNS}) SELECT {COLUMNS} FROM {STAGE} ORDER BY device_id
            ON CONFLICT (device_id) DO UPDATE SET {assignments}
            WHERE (EXCLUDED.ts, EXCLUDED.available_at) > (known.ts, known.available_at)"""  # noqa: S608
        )
