"""Devices, their forecast and their state of charge as the columns that grouping takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from bidding.kernels.aggregate import DELIVERABLE_PU, FleetArrays
from bidding.kernels.clipping import clip_to_envelopes
from bidding.kernels.problem import FlexGroup
from bidding.operations.admission import Admission
from bidding.season_events import events_of_season
from forecasting.models import ForecastRun
from vpp.enrollment.queries import DeviceTable
from vpp.lib.periods import DeliveryDay, as_datetime64, local_moment

FloatArray = NDArray[np.float64]
START_CHARGE_PU = 0.5  # of a battery whose state of charge nobody has reported
STALE_AFTER = timedelta(hours=36)  # a day-ahead forecast is made on the day before delivery


def fleet_arrays(
    table: DeviceTable,
    day: DeliveryDay,
    run: ForecastRun | None,
    known_at: datetime,
    notes: list[str],
    admitted: Admission,
) -> FleetArrays:
    """The devices that may be offered, as columns; what is left out or old is noted."""
    usable = np.flatnonzero(table.usable() & table.of_kind(*DELIVERABLE_PU) & _rated(table, notes))
    baseline_kw = _offered_baselines(table, usable, day, run, known_at, notes)
    starts = _starts_left(table, day)

    def take(column: Sequence[str]) -> tuple[str, ...]:
        return tuple(column[int(row)] for row in usable)

    return FleetArrays(
        device_id=table.device_id[usable],
        kind=take(table.kind),
        feeder=take(table.feeder_code),
        max_consumption_kw=table.max_consumption_kw[usable],
        max_production_kw=table.max_production_kw[usable],
        energy_capacity_kwh=table.energy_capacity_kwh[usable],
        energy_start_kwh=_stored_kwh(table, usable, known_at),
        charge_efficiency=table.charge_efficiency[usable],
        discharge_efficiency=table.discharge_efficiency[usable],
        self_discharge_pu_per_day=table.self_discharge_pu_per_day[usable],
        cost_per_kwh=table.cost_per_kwh[usable],
        reserve_floor_pu=table.reserve_floor_pu[usable],
        max_hours_per_day=table.max_hours_per_day[usable],
        departure_index=np.array([_departure(table, int(row), day) for row in usable], dtype=np.int64),
        baseline_kw=baseline_kw,
        market_class=admitted.classes(table.device_id[usable]),
        max_starts=starts[usable],
        rest_hours=table.rest_minutes[usable] / 60.0,
        owner_class=tuple(_owner_class(table, int(row), float(starts[row])) for row in usable),
    )


def _offered_baselines(
    table: DeviceTable,
    usable: NDArray[np.int64],
    day: DeliveryDay,
    run: ForecastRun | None,
    known_at: datetime,
    notes: list[str],
) -> FloatArray:
    """(U, H) forecast of the usable devices; zero for storages, and for what has none, so that it has no room."""
    if run is not None and known_at - run.issue_time > STALE_AFTER:
        hours = (known_at - run.issue_time).total_seconds() / 3600.0
        notes.append(f"the forecast is {hours:.0f} hours old")
    baseline_kw = _baselines(table.device_id[usable], day, run)
    missing: NDArray[np.bool_] = np.asarray(~np.isfinite(baseline_kw).all(axis=1), dtype=bool)
    storage: NDArray[np.bool_] = np.asarray(table.of_kind("BATTERY"), dtype=bool)[usable]
    if run is not None and (gaps := int((missing & ~storage).sum())):
        notes.append(f"{gaps} devices have no forecast and are not offered")
    return np.where(missing[:, None] | storage[:, None], 0.0, baseline_kw)


def _rated(table: DeviceTable, notes: list[str]) -> NDArray[np.bool_]:
    """(N,) devices that can move power at all; the others are named and not offered."""
    rated = (table.max_consumption_kw > 0) | (table.max_production_kw > 0)
    lacking = np.flatnonzero(~rated & table.usable() & table.of_kind(*DELIVERABLE_PU))
    if lacking.size:
        names = ", ".join(table.code[int(row)] for row in lacking[:3])
        notes.append(f"{lacking.size} devices have no rating and are not offered: {names}")
    return np.asarray(rated, dtype=bool)


def _starts_left(table: DeviceTable, day: DeliveryDay) -> FloatArray:
    """(N,) movements that may begin on the day: the owner's number a day, and what is left of the season's.

    The rest of a season goes down to a power of two, so that devices of about the same rest share a group.
    """
    limited = np.isfinite(table.max_events_per_season)
    if not limited.any():
        return table.max_events_per_day
    used = events_of_season(day.date)
    called = np.array([used.get(one, 0.0) for one in table.device_id.tolist()])
    left = np.where(limited, np.maximum(table.max_events_per_season - called, 0.0), 1.0)
    whole = np.where(left >= 1.0, 2.0 ** np.floor(np.log2(np.maximum(left, 1.0))), 0.0)
    return np.where(limited, np.minimum(table.max_events_per_day, whole), table.max_events_per_day)


def _owner_class(table: DeviceTable, row: int, starts: float) -> str:
    """Devices of different hours, number of starts, notice or rest never share a group."""
    hours, notice, rest = table.max_hours_per_day[row], table.notice_minutes[row], table.rest_minutes[row]
    parts = [f"{value:g} {name}" for value, name in ((hours, "h"), (starts, "starts")) if np.isfinite(value)]
    parts += [f"{value:g} min {name}" for value, name in ((notice, "notice"), (rest, "rest")) if value > 0]
    return " ".join(parts)


def within_notice(
    groups: tuple[FlexGroup, ...], table: DeviceTable, day: DeliveryDay, known_at: datetime, free: NDArray[np.bool_]
) -> tuple[FlexGroup, ...]:
    """Nothing new of a group within the notice its owners want. free (H,): where nothing was promised before; who is
    promised knows already.
    """
    notice = dict(zip(table.device_id.tolist(), table.notice_minutes.tolist(), strict=True))
    ahead = (day.starts64() - as_datetime64(known_at)) / np.timedelta64(1, "m")
    found = []
    for group in groups:
        late = free & (ahead < notice[group.device_ids[0]])
        if late.any():
            up_kw, down_kw = (np.where(late, 0.0, side) for side in (group.up_limit_kw, group.down_limit_kw))
            group = replace(group, up_limit_kw=up_kw, down_limit_kw=down_kw)
        found.append(group)
    return tuple(found)


def _baselines(device_ids: NDArray[np.int64], day: DeliveryDay, run: ForecastRun | None) -> FloatArray:
    """(N, H) forecast of the undispatched power in the order of `device_ids`; NaN rows where there is none."""
    from forecasting import queries as forecasts

    baseline_kw = np.full((device_ids.size, day.n_intervals), np.nan)
    if run is None or not device_ids.size:
        return baseline_kw
    known_ids, known_kw = forecasts.device_baselines_kw(run)
    row_of = {int(device_id): row for row, device_id in enumerate(known_ids)}
    for place, device_id in enumerate(device_ids):
        row = row_of.get(int(device_id))
        if row is not None and known_kw[row].size == day.n_intervals:
            baseline_kw[place] = known_kw[row]
    return baseline_kw


def _stored_kwh(table: DeviceTable, usable: NDArray[np.int64], known_at: datetime) -> FloatArray:
    """Last reported energy content, if it was known; half full where it was not. Floors are honoured."""
    from telemetry import queries as telemetry

    capacity_kwh = table.energy_capacity_kwh[usable]
    latest = telemetry.latest(table.device_id[usable])
    known = np.isfinite(latest.soc_kwh) & (latest.available_at <= as_datetime64(known_at))
    stored_kwh = np.where(known, latest.soc_kwh, START_CHARGE_PU * capacity_kwh)
    return np.clip(stored_kwh, 0.0, capacity_kwh)


def _departure(table: DeviceTable, row: int, day: DeliveryDay) -> int:
    """The interval in which a device must be ready to leave, -1 where it does not leave on this day."""
    at = table.departure_local_time[row]
    if at is None:
        return -1
    moment = local_moment(day.date, at, table.time_zone[row])
    return day.index_of(moment) if day.start < moment < day.end else -1


def within_envelopes(
    groups: tuple[FlexGroup, ...], fleet: FleetArrays, run: ForecastRun | None
) -> tuple[FlexGroup, ...]:
    """Room of shiftable loads cut to the forecast's envelope at the wanted confidence, where there is one.

    Storages are bounded by their own energy rows, which say more than an envelope that must hold without them.
    """
    if run is None:
        return groups
    from forecasting import queries as forecasts

    kind_of_device = dict(zip(fleet.device_id.tolist(), fleet.kind, strict=True))
    kind_of = {group.name: kind_of_device[group.device_ids[0]] for group in groups}
    up_kw, down_kw = {}, {}
    for envelope in forecasts.envelopes(run, confidence=settings.OFFER_CONFIDENCE):
        if envelope.group in kind_of.values() and envelope.group != "BATTERY":
            up_kw[envelope.group] = envelope.baseline_kw - envelope.power_min_kw
            down_kw[envelope.group] = envelope.power_max_kw - envelope.baseline_kw
    return clip_to_envelopes(groups, kind_of, up_kw, down_kw)
