"""One device: how it stands, its day in readings, forecast and setpoints, what it earned, what was done to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
from django.db.models import Max, Sum
from numpy.typing import NDArray

from forecasting.models import Forecast
from telemetry.queries import interval_power_kw, latest
from vpp.accounts.models import AuditEvent, Principal
from vpp.console.queries.fleet import LABELS, device_state
from vpp.dispatch.models import DeviceStatus, Setpoint
from vpp.enrollment.models import Device, Enrollment, OwnerTerms
from vpp.enrollment.ownership import theirs_since
from vpp.lib.periods import DeliveryDay, as_datetime64, from_datetime64
from vpp.settlement.models import DevicePerformance, SettlementRun

FloatArray = NDArray[np.float64]
EARNING_ROWS = 15
AUDIT_ROWS = 15
SETPOINT_ROWS = 200
ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class DevicePage:
    """mean_kw, measured_kw and target_kw are (H,) of the shown day, NaN where there is none."""

    device: Device
    state: str
    status: DeviceStatus | None
    terms: OwnerTerms | None
    portfolio: str
    day: DeliveryDay
    mean_kw: FloatArray
    measured_kw: FloatArray
    target_kw: FloatArray
    setpoints: list[Setpoint]
    latest_kw: float | None
    latest_at: datetime | None
    stored_kwh: float | None
    earned: Decimal
    earnings: list[DevicePerformance]
    trail: list[AuditEvent]

    @property
    def label(self) -> str:
        return str(LABELS[self.state])

    @property
    def reactive(self) -> bool:
        """Whether it was asked for reactive power on the day."""
        return any(one.target_kvar is not None for one in self.setpoints)

    @property
    def has_data(self) -> bool:
        return not all(np.isnan(series).all() for series in (self.mean_kw, self.measured_kw, self.target_kw))


def find_device(principal: Principal, code: str) -> Device | None:
    return Device.objects.visible_to(principal).filter(code=code).select_related("site__owner").first()


def news_mark(device: Device, at: datetime) -> str:
    """Changes with each new reading, and with each minute, so that ages go on."""
    return f"{latest([device.pk]).available_at[0]}/{at:%H:%M}"


def is_opted_out(device: Device, at: datetime) -> bool:
    return OwnerTerms.objects.filter(device=device, period__contains=at, opted_out=True).exists()


def last_settled_date(device: Device) -> date | None:
    found = DevicePerformance.objects.filter(device=device).aggregate(newest=Max("run__delivery_date"))
    return found["newest"]


def device_page(principal: Principal, device: Device, delivery_date: date, at: datetime) -> DevicePage:
    """An owner sees nothing of the days on which the device was another's."""
    day = DeliveryDay(delivery_date, device.site.time_zone)
    since = theirs_since(principal, [device.site_id]).get(device.site_id, ALWAYS)
    status = DeviceStatus.objects.filter(device=device).first()
    terms = OwnerTerms.objects.filter(device=device, period__contains=at).first()
    member = Enrollment.objects.filter(device=device, period__contains=at).select_related("portfolio").first()
    setpoints = list(
        Setpoint.objects.visible_to(principal)
        .filter(device=device, interval_start__gte=max(day.start, since), interval_start__lt=day.end)
        .order_by("interval_start", "sequence")[:SETPOINT_ROWS]
    )
    newest = latest([device.pk])
    has_reading = not np.isnat(newest.ts[0]) and bool(newest.ts[0] >= as_datetime64(since))
    own_days = SettlementRun.objects.newest().filter(delivery_date__gte=since.astimezone(ZoneInfo(day.zone)).date())
    newest_runs = DevicePerformance.objects.filter(device=device, run__in=own_days)
    rows = newest_runs.select_related("run", "profile").order_by("-run__delivery_date", "-credit", "pk")
    return DevicePage(
        device=device,
        state=device_state(status.state if status else None, device.suspended_at, terms.opted_out if terms else None),
        status=status,
        terms=terms,
        portfolio=member.portfolio.code if member else "",
        day=day,
        mean_kw=_forecast_kw(principal, device, day, at),
        measured_kw=_measured_kw(device, day, since, at),
        target_kw=_targets_kw(setpoints, day),
        setpoints=setpoints,
        latest_kw=float(newest.power_kw[0]) if has_reading else None,
        latest_at=from_datetime64(newest.ts[0]) if has_reading else None,
        stored_kwh=float(newest.soc_kwh[0]) if has_reading and not np.isnan(newest.soc_kwh[0]) else None,
        earned=newest_runs.aggregate(total=Sum("credit"))["total"] or Decimal("0.00"),
        earnings=list(rows[:EARNING_ROWS]),
        trail=_trail(device, since),
    )


def _measured_kw(device: Device, day: DeliveryDay, since: datetime, at: datetime) -> FloatArray:
    power_kw = interval_power_kw([device.pk], day.start, day.end, at, day.step_minutes)[0]
    power_kw[day.starts64() < as_datetime64(since)] = np.nan
    return power_kw


def _forecast_kw(principal: Principal, device: Device, day: DeliveryDay, at: datetime) -> FloatArray:
    rows = Forecast.objects.visible_to(principal).filter(
        scope=Forecast.Scope.DEVICE, device=device, run__delivery_date=day.date, run__issue_time__lte=at
    )
    row = rows.order_by("-run__issue_time", "-run__version").first()
    mean_kw = np.asarray(row.mean_kw, dtype=np.float64) if row else np.zeros(0)
    return mean_kw if mean_kw.size == day.n_intervals else np.full(day.n_intervals, np.nan)


def _targets_kw(setpoints: list[Setpoint], day: DeliveryDay) -> FloatArray:
    """(H,) the newest setpoint of each interval; NaN where the device was on its own."""
    target_kw = np.full(day.n_intervals, np.nan)
    for one in setpoints:
        target_kw[day.index_of(one.interval_start)] = np.nan if one.released else one.target_kw
    return target_kw


def _trail(device: Device, since: datetime) -> list[AuditEvent]:
    """What was done to the device; an owner sees what, not who of our people."""
    found = AuditEvent.objects.filter(subject_type=Device._meta.label_lower, subject_key=str(device.pk), at__gte=since)
    return list(found.order_by("-at", "-pk")[:AUDIT_ROWS])
