"""Histories of enrolled devices as frames, for a backtest of what the database holds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from forecasting import queries
from telemetry import queries as telemetry
from vpp.enrollment.models import Device
from vpp.lib.errors import NotFound
from vpp.lib.periods import as_datetime64, interval_starts64

if TYPE_CHECKING:
    import pandas as pd

STEP_MINUTES = 15
WORD_OF_CLASS = {"pv": "pv", "wind": "wind", "ev": "ev", "heat": "heatpump"}


class UnknownDevice(NotFound):
    code = "unknown_device"


def device_history(codes: list[str], start: datetime, end: datetime, *, as_of: datetime) -> pd.DataFrame:
    """Mean power in kW per quarter hour of [start, end), UTC, one column a device; production positive.

    Dispatched intervals are missing, as in the nightly run. The column is the device's code, with the word of its class
    in front where that is not told by the code. Raises UnknownDevice.
    """
    import pandas as pd

    from forecasting.kernels.classes import class_of

    devices = {one.code: one for one in Device.objects.filter(code__in=codes)}
    unknown = sorted(set(codes) - set(devices))
    if unknown:
        raise UnknownDevice(f"there is no device {', '.join(unknown)}", codes=unknown)
    ids = np.array(sorted(one.pk for one in devices.values()), dtype=np.int64)
    starts = interval_starts64(start, end, STEP_MINUTES)
    power_kw = telemetry.interval_power_kw(ids, start, end, as_of, STEP_MINUTES).astype(np.float64)
    row_of = {int(device_id): row for row, device_id in enumerate(ids)}
    for device_id, since, until in queries.dispatched_periods(ids, start, end, as_of):
        inside = (starts >= as_datetime64(since)) & (starts < as_datetime64(until))
        power_kw[row_of[device_id], inside] = np.nan
    columns = {}
    for code in codes:
        kind = class_of(devices[code].kind)
        sign = -1 if kind.produces else 1
        columns[f"{WORD_OF_CLASS.get(kind.name, '')} {code}".strip()] = sign * power_kw[row_of[devices[code].pk]]
    return pd.DataFrame(columns, index=pd.DatetimeIndex(starts).tz_localize(UTC))
