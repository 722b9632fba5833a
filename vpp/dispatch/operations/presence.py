"""Who is there at all: devices that stopped reporting, and those that came back."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from vpp.dispatch.models import DeviceStatus

GONE = """
INSERT INTO dispatch_devicestatus AS known (device_id, state, since, retry_at, failures)
SELECT device_id, 'SILENT', %(start)s, NULL, 1 FROM unnest(%(devices)s::bigint[]) AS gone (device_id) ORDER BY device_id
ON CONFLICT (device_id) DO UPDATE SET state = 'SILENT', since = EXCLUDED.since, retry_at = NULL
  WHERE known.state <> 'SILENT'
"""


def mark_presence(device_ids: NDArray[np.int64], silent: NDArray[np.bool_], interval_start: datetime) -> None:
    """Devices (N,) without a reading are SILENT; a silent one that reports again is ONLINE and used at once."""
    gone = device_ids[silent].tolist()
    if gone:
        with connection.cursor() as cursor:
            cursor.execute(GONE, {"start": interval_start, "devices": gone})
    reporting = set(device_ids[~silent].tolist())
    marked = DeviceStatus.objects.filter(state=DeviceStatus.State.SILENT, since__lt=interval_start)
    back = [device_id for device_id in marked.values_list("device_id", flat=True) if device_id in reporting]
    if back:
        DeviceStatus.objects.filter(device_id__in=back, state=DeviceStatus.State.SILENT).update(
            state=DeviceStatus.State.ONLINE, since=interval_start, retry_at=None, failures=0
        )
