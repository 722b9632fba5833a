"""Device parameters for the envelope kernel, from the enrolled fleet and the last reported state of charge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from telemetry import queries as telemetry
from vpp.lib.periods import as_datetime64, local_moment

if TYPE_CHECKING:
    from forecasting.kernels.envelope import DeviceParameters
    from forecasting.operations.inputs import ZoneInput


def device_parameters(zone: ZoneInput, rows: NDArray[np.int64]) -> DeviceParameters:
    """Columns of the chosen devices; a charge state counts only if it was known at the issue time."""
    from forecasting.kernels.envelope import DeviceParameters

    table = zone.table
    return DeviceParameters(
        kind=[table.kind[row] for row in rows],
        usable=np.asarray(table.usable())[rows],
        max_consumption_kw=table.max_consumption_kw[rows],
        max_production_kw=table.max_production_kw[rows],
        energy_capacity_kwh=table.energy_capacity_kwh[rows],
        charge_efficiency=table.charge_efficiency[rows],
        discharge_efficiency=table.discharge_efficiency[rows],
        ramp_kw_per_minute=table.ramp_kw_per_minute[rows],
        reserve_floor_pu=table.reserve_floor_pu[rows],
        self_discharge_pu_per_day=table.self_discharge_pu_per_day[rows],
        max_hours_per_day=table.max_hours_per_day[rows],
        initial_soc_kwh=_known_content(zone, rows),
        departure_index=np.array([_departure(zone, int(row)) for row in rows], dtype=np.int64),
    )


def _known_content(zone: ZoneInput, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    latest = telemetry.latest(zone.table.device_id[rows])
    known = latest.available_at <= as_datetime64(zone.issue)
    return np.where(known, latest.soc_kwh, np.nan)


def _departure(zone: ZoneInput, row: int) -> int:
    """Interval in which an EV leaves; the end of the day where none is agreed or it falls outside."""
    at = zone.table.departure_local_time[row]
    if at is None:
        return zone.day.n_intervals
    moment = local_moment(zone.day.date, at, zone.table.time_zone[row])
    inside = zone.day.start <= moment < zone.day.end
    return zone.day.index_of(moment) if inside else zone.day.n_intervals
