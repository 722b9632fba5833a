"""Readings of the nominated devices as the arrays that baselines take."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from telemetry.queries import interval_power_kw
from vpp.enrollment.queries import DeviceTable
from vpp.lib.periods import DeliveryDay, as_datetime64
from vpp.lib.units import energy_kwh
from vpp.settlement.kernels.fleet import FleetDay
from vpp.settlement.kernels.methods import Rule
from vpp.settlement.kernels.slots import Series
from vpp.settlement.queries.nominated import Nominated

FloatArray = NDArray[np.float64]
DEVICES_AT_ONCE = 1000


def fleet_readings(
    devices: DeviceTable, rules: Sequence[Rule], nominated: Nominated, day: DeliveryDay, event: slice, as_of: datetime
) -> FleetDay:
    """The day of all devices and the history of those whose method reads the past, as known at `as_of`."""
    metered_kw = interval_power_kw(devices.device_id, day.start, day.end, as_of=as_of)
    matched = np.array([rule.lookback_days > 0 for rule in rules], dtype=bool)
    lookback = max([rule.lookback_days for rule in rules], default=0)
    start = day.shifted(-lookback).start if matched.any() else day.start
    before = round((day.start - start).total_seconds()) // (day.step_minutes * 60)
    history_kwh = np.full((len(devices), before + day.n_intervals), np.nan)
    history_kwh[:, before:] = energy_kwh(metered_kw, day.step_minutes)
    rows = np.flatnonzero(matched & (before > 0))
    for first in range(0, len(rows), DEVICES_AT_ONCE):  # a year of many devices is read piece by piece
        some = rows[first : first + DEVICES_AT_ONCE]
        past_kw = interval_power_kw(devices.device_id[some], start, day.start, as_of=as_of)
        history_kwh[some, :before] = energy_kwh(past_kw, day.step_minutes)
    nominated_kw = np.full_like(metered_kw, np.nan)
    for row, device_id in enumerate(devices.device_id):
        if (planned := nominated.baselines_kw.get(int(device_id))) is not None:
            nominated_kw[row] = planned
    return FleetDay(
        codes=devices.code,
        rules=rules,
        metered_kw=metered_kw,
        nominated_kw=nominated_kw,
        history_kwh=history_kwh,
        series=Series(as_datetime64(start), day.step_minutes * 60, before + day.n_intervals),
        first=before,
        event=event,
        step_minutes=day.step_minutes,
    )
