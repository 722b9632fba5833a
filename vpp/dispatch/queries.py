"""Read-only questions about plans, setpoints and what became of them; arrays where there are many rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date as Date
from datetime import datetime, timedelta

import numpy as np
from django.db.models import Q, QuerySet
from numpy.typing import NDArray

from vpp.accounts.models import Principal
from vpp.dispatch.models import ControlCycle, DeviceUse, Setpoint, Shortfall
from vpp.enrollment.models import Device, Portfolio
from vpp.lib.periods import DeliveryDay, as_datetime64, delivery_day_of

Floats = NDArray[np.float64]
QUARTER_HOUR = timedelta(minutes=15)


@dataclass(frozen=True)
class SetpointMatrix:
    """What devices were asked to do on a day: (N,) ids, (N, H) targets in kW, NaN where a device was on its own."""

    device_id: NDArray[np.int64]
    target_kw: Floats


def setpoint_matrix(portfolio_id: int, day: DeliveryDay) -> SetpointMatrix:
    """The target in force in each interval; a refused or never sent setpoint asks for nothing."""
    rows = list(
        Setpoint.objects.filter(portfolio_id=portfolio_id, interval_start__gte=day.start, interval_start__lt=day.end)
        .exclude(state__in=[Setpoint.State.EXPIRED])
        .order_by("interval_start", "sequence")
        .values_list("device_id", "interval_start", "expires_at", "target_kw", "released", "state")
    )
    device_id = np.unique(np.array([row[0] for row in rows], dtype=np.int64))
    target_kw = np.full((device_id.size, day.n_intervals), np.nan)
    starts = day.starts64()
    for device, start, until, target, released, state in rows:  # later rows overwrite earlier ones
        first, end = np.searchsorted(starts, [as_datetime64(start), as_datetime64(until)])
        silent = released or state == Setpoint.State.REFUSED
        place = int(np.searchsorted(device_id, device))
        target_kw[place, first:] = np.nan
        target_kw[place, first:end] = np.nan if silent else target
    return SetpointMatrix(device_id, target_kw)


@dataclass(frozen=True)
class GivenKvar:
    """device_id (N,) rising; kvar (N, H), injection positive, 0 where none was asked or nothing was said."""

    device_id: NDArray[np.int64]
    kvar: Floats


def given_kvar(portfolio_id: int, day: DeliveryDay, as_of: datetime) -> GivenKvar:
    """Reactive power that the devices asked for some said they give, under the setpoint in force of each interval, as
    known at `as_of` and no more than was asked."""
    own = Setpoint.objects.filter(
        portfolio_id=portfolio_id, interval_start__gte=day.start, interval_start__lt=day.end, issued_at__lte=as_of
    )
    asked = own.filter(target_kvar__isnull=False).order_by().values_list("device_id", flat=True).distinct()
    place = {device_id: row for row, device_id in enumerate(sorted(asked))}
    rows = own.filter(device_id__in=list(place)).exclude(state=Setpoint.State.EXPIRED)
    kvar, starts = np.zeros((len(place), day.n_intervals)), day.starts64()
    for device, start, until, target, given, answered in rows.order_by("interval_start", "sequence").values_list(
        "device_id", "interval_start", "expires_at", "target_kvar", "applied_kvar", "answered_at"
    ):  # later rows overwrite earlier ones
        first, end = np.searchsorted(starts, [as_datetime64(start), as_datetime64(until)])
        kvar[place[device], first:] = 0.0
        if target is not None and given is not None and answered is not None and answered <= as_of:
            kvar[place[device], first:end] = np.clip(given, -abs(target), abs(target))
    return GivenKvar(np.array(sorted(place), dtype=np.int64), kvar)


def setpoints_of(device_id: int, start: datetime, end: datetime) -> QuerySet[Setpoint]:
    """A device's setpoints in [start, end), oldest first."""
    quarter_hours = int((end - start) / QUARTER_HOUR)
    starts = [start + QUARTER_HOUR * number for number in range(quarter_hours)]  # each one a look into setpoint_once
    found = Setpoint.objects.filter(device_id=device_id, interval_start__in=starts)
    return found.order_by("interval_start", "sequence")


@dataclass(frozen=True)
class DeviceDay:
    """What was asked of a device on a day of its site's zone, oldest first, and how much that moved it."""

    device: str
    date: Date
    moved_kwh: float
    hours: float
    events: int
    setpoints: list[Setpoint]


def device_day(device: Device, date: Date | None, at: datetime) -> DeviceDay:
    """`date`: the running day if None."""
    zone = device.site.time_zone
    day = delivery_day_of(at, zone) if date is None else DeliveryDay(date, zone)
    use = DeviceUse.objects.filter(device=device, delivery_date=day.date).first()
    moved, hours, events = (use.moved_kwh, use.hours, use.events) if use else (0.0, 0.0, 0)
    return DeviceDay(device.code, day.date, moved, hours, events, list(setpoints_of(device.pk, day.start, day.end)))


def cycles_of(principal: Principal, *, portfolio: str = "", date: Date | None = None) -> QuerySet[ControlCycle]:
    """The control cycles the caller may see, of one portfolio (by code) or one delivery date, or of all."""
    cycles = ControlCycle.objects.visible_to(principal).select_related("portfolio")
    portfolios = Portfolio.objects.filter(code=portfolio) if portfolio else Portfolio.objects.all()
    if date is None:
        return cycles.filter(portfolio__in=portfolios)
    wanted = Q(pk__in=[])
    for zone in set(portfolios.values_list("time_zone", flat=True)):
        day = DeliveryDay(date, zone)
        of_zone = portfolios.filter(time_zone=zone)
        wanted |= Q(portfolio__in=of_zone, interval_start__gte=day.start, interval_start__lt=day.end)
    return cycles.filter(wanted)


def shortfalls_of(portfolio_id: int, day: DeliveryDay) -> QuerySet[Shortfall]:
    """What was missing on a day, in order."""
    found = Shortfall.objects.filter(portfolio_id=portfolio_id, interval_start__gte=day.start)
    return found.filter(interval_start__lt=day.end).select_related("device").order_by("interval_start", "pk")
