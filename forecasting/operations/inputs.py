"""Fetch what a forecast of a zone may know: the fleet, its readings as known then, portfolios and feeders."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from forecasting.operations.errors import NothingToForecast, UnknownZone
from forecasting.operations.history import STEP_MINUTES, history_of
from forecasting.operations.weather import days_until, expected_weather
from vpp.enrollment.models import Enrollment, Portfolio
from vpp.enrollment.queries import DeviceTable, device_table, portfolios_of_zone
from vpp.lib.periods import DeliveryDay, as_datetime64
from vpp.network.queries import node_positions

if TYPE_CHECKING:
    from forecasting.kernels.fleet import FleetInput


@dataclass(frozen=True)
class ZoneInput:
    """Everything that the runs of one zone and delivery day share. Devices in the order of `table`; portfolios with
    devices only, and feeders, in the order of their numbers in `fleet`."""

    zone_code: str
    day: DeliveryDay
    issue: datetime
    data_as_of: datetime
    history_start: datetime
    seed: int
    table: DeviceTable
    portfolios: list[Portfolio]
    members: dict[int, NDArray[np.int64]]
    feeders: list[str]
    fleet: FleetInput


def zone_subjects(zone_code: str, at: datetime) -> tuple[list[Portfolio], list[str], DeviceTable]:
    """Portfolios, feeder codes and devices of a zone. Raises UnknownZone if it has none of them."""
    portfolios = portfolios_of_zone(zone_code)
    table = device_table(at=at, zone_code=zone_code)
    if not portfolios and not len(table):
        raise UnknownZone(f"zone {zone_code!r} has no portfolio and no device", zone_code=zone_code)
    return portfolios, sorted({code for code in table.feeder_code if code}), table


def gather(*, zone_code: str, delivery_date: date, version: int, issue: datetime) -> ZoneInput:
    """Read the inputs as known at the issue time. Raises UnknownZone, NothingToForecast."""
    portfolios, feeders, table = zone_subjects(zone_code, issue)
    if not len(table):
        raise NothingToForecast(f"zone {zone_code!r} has no devices", zone_code=zone_code)
    zone = portfolios[0].time_zone if portfolios else table.time_zone[0]
    day = DeliveryDay(delivery_date, zone, STEP_MINUTES)
    span = _span(day, issue)
    members = _members(table, zone_code, issue)
    filled = [one for one in portfolios if len(members.get(one.pk, ()))]
    seed = zlib.crc32(f"{zone_code}:{delivery_date}:{version}".encode())
    fleet = _fleet_input(zone_code, day, span, table, [members[one.pk] for one in filled], feeders, seed)
    return ZoneInput(
        zone_code=zone_code,
        day=day,
        issue=issue,
        data_as_of=span.known_at,
        history_start=span.start,
        seed=seed,
        table=table,
        portfolios=filled,
        members=members,
        feeders=feeders,
        fleet=fleet,
    )


@dataclass(frozen=True)
class _Span:
    """The history that a forecast looks back on, [start, end) in whole intervals, as known at a moment."""

    start: datetime
    end: datetime
    known_at: datetime


def _span(day: DeliveryDay, issue: datetime) -> _Span:
    """A late run forecasts as if made before the day."""
    from forecasting.kernels.ladder import HISTORY_DAYS

    known_at = min(issue, day.start - timedelta(minutes=1))
    end = known_at - timedelta(minutes=known_at.minute % STEP_MINUTES, seconds=known_at.second)
    end = end.replace(microsecond=0)
    return _Span(end - timedelta(days=HISTORY_DAYS), end, known_at)


def _fleet_input(
    zone_code: str,
    day: DeliveryDay,
    span: _Span,
    table: DeviceTable,
    portfolio_rows: list[NDArray[np.int64]],
    feeders: list[str],
    seed: int,
) -> FleetInput:
    """The kernel's input: the devices' readings, what groups they are in, the weather that was expected."""
    from forecasting.kernels.fleet import FleetInput

    power_kw, starts = history_of(table, span.start, span.end, span.known_at)
    return FleetInput(
        power_kw=power_kw,
        starts=starts,
        kinds=table.kind,
        max_consumption_kw=table.max_consumption_kw,
        max_production_kw=table.max_production_kw,
        issue=as_datetime64(span.known_at),
        target_starts=day.starts64(),
        zone=day.zone,
        portfolio=_numbers(len(table), portfolio_rows),
        feeder=np.array([feeders.index(code) if code else -1 for code in table.feeder_code], dtype=np.int64),
        site=table.site_id,
        step_minutes=STEP_MINUTES,
        holidays=holidays_around(zone_code, day.date),
        seed=seed,
        weather=expected_weather(zone_code, days=days_until(day, span.start.date()), issue=span.known_at),
        position_deg=_positions(table.node_code),
    )


def _positions(node_codes: list[str]) -> NDArray[np.float64]:
    """(N, 2) latitude and longitude of each device's node; NaN where nobody said."""
    known = node_positions(node_codes)
    return np.array([known.get(code, (np.nan, np.nan)) for code in node_codes], dtype=np.float64).reshape(-1, 2)


def _numbers(n_devices: int, groups: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    """(N,) number of the group that each device is in, -1 for none."""
    numbers = np.full(n_devices, -1, dtype=np.int64)
    for number, rows in enumerate(groups):
        numbers[rows] = number
    return numbers


def _members(table: DeviceTable, zone_code: str, at: datetime) -> dict[int, NDArray[np.int64]]:
    """Rows of the table enrolled in each portfolio; a site meter is no device that could be sold."""
    row_of = {int(device_id): row for row, device_id in enumerate(table.device_id) if table.kind[row] != "METER"}
    enrolled = Enrollment.objects.active_at(at).filter(portfolio__zone_code=zone_code)
    rows: dict[int, list[int]] = {}
    for portfolio_id, device_id in enrolled.values_list("portfolio_id", "device_id"):
        if device_id in row_of:
            rows.setdefault(portfolio_id, []).append(row_of[device_id])
    return {portfolio_id: np.array(sorted(found), dtype=np.int64) for portfolio_id, found in rows.items()}


def holidays_around(zone_code: str, delivery_date: date) -> frozenset[date]:
    """Public holidays of the zone's country in the years that history and target touch; none where it is not known."""
    import holidays

    from forecasting.kernels.ladder import HISTORY_DAYS

    country = zone_code[:2].upper()
    if country not in holidays.list_supported_countries():
        return frozenset()
    years = {delivery_date.year, (delivery_date - timedelta(days=HISTORY_DAYS + 7)).year}
    return frozenset(holidays.country_holidays(country, years=sorted(years)))
