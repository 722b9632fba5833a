"""Certifying baseline methods on a device's, or a portfolio's, own past; and the results that were kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np
from django.db.models import Prefetch, QuerySet

from telemetry.queries import interval_power_kw
from vpp.accounts.models import Principal
from vpp.enrollment.models import Device, Portfolio
from vpp.lib.periods import DeliveryDay, as_datetime64, local_moment
from vpp.lib.units import energy_kwh
from vpp.settlement.kernels.answers import FloatArray
from vpp.settlement.kernels.certification import Fit, certify
from vpp.settlement.kernels.certification_page import FitRow, Sheet
from vpp.settlement.kernels.methods import Rule
from vpp.settlement.kernels.slots import Event, Series
from vpp.settlement.models import BaselineProfile, Certification, CertificationFit, SettlementRun
from vpp.settlement.queries.rules import NO_PINS, holidays_before, method_by_kind, profiles_in_force, rule_of

STEP_MINUTES = 15
LONGEST_LOOK_BACK_DAYS = 90
DEVICES_AT_ONCE = 500
Method = BaselineProfile.Method


@dataclass(frozen=True)
class Placebos:
    """The placebo question: the last `days` business days until `last_day`, first to last hour on the site's clock."""

    last_day: date
    days: int
    first_hour: int
    last_hour: int
    as_of: datetime

    def events(self, zone: str, not_on: frozenset[date]) -> dict[date, Event]:
        """The placebo events, newest first; days in `not_on` are none."""
        wanted = [self.last_day - timedelta(days=back) for back in range(self.days * 3)]
        days = [day for day in wanted if day.weekday() < 5 and day not in not_on][: self.days]
        return {day: self._event(day, zone) for day in days}

    def _event(self, day: date, zone: str) -> Event:
        end_day, end_hour = divmod(self.last_hour, 24)
        last = day + timedelta(days=end_day)
        return Event(local_moment(day, time(self.first_hour), zone), local_moment(last, time(end_hour), zone))


def certifications(principal: Principal, *, newest: bool = True) -> QuerySet[Certification]:
    """Certifications that the caller may see, last ones first, with `.fits` by level and rank; without `newest` the
    earlier ones of each device too."""
    found = Certification.objects.visible_to(principal)
    fits = CertificationFit.objects.select_related("profile").order_by("level", "rank")
    return (
        (found.newest() if newest else found)
        .select_related("device__site__owner", "best_profile")
        .prefetch_related(Prefetch("fits", queryset=fits))
        .order_by("-pk")
    )


def certify_device(
    device: Device, *, last_day: date, days: int, first_hour: int, last_hour: int, as_of: datetime
) -> list[Fit]:
    """The fit of every day-matching profile in force on placebo events of the device's own past, best first.

    Days on which the device was settled as dispatched are events, not placebos.
    """
    asked = Placebos(last_day, days, first_hour, last_hour, as_of)
    return site_fits(device, matching_profiles(last_day), asked)


def matching_profiles(day: date) -> list[BaselineProfile]:
    """The day-matching profiles in force that can be tried without temperatures: none are kept."""
    found = _profiles([Method.X_OF_Y], day)
    return [profile for profile in found if profile.parameters.get("pick") != "nearest_temperature"]


def same_day_profiles(day: date) -> list[BaselineProfile]:
    """The profiles in force that take a baseline from the event day itself."""
    return _profiles([Method.MBMA, Method.WINDOW_MEAN], day)


def _profiles(methods: Sequence[str], day: date) -> list[BaselineProfile]:
    names = BaselineProfile.objects.filter(method__in=methods, valid_from__lte=day).values_list("name", flat=True)
    return list(profiles_in_force(sorted(set(names)), day).values())


def site_fits(device: Device, profiles: Sequence[BaselineProfile], asked: Placebos) -> list[Fit]:
    """The profiles on the device's own readings."""
    runs = SettlementRun.objects.filter(device_performances__device=device)
    return _fits([device.pk], device.site.time_zone, device.site.zone_code, profiles, _dates(runs), asked)


def portfolio_fits(portfolio: Portfolio, profiles: Sequence[BaselineProfile], asked: Placebos) -> list[Fit]:
    """The profiles on the sum of the portfolio's devices that the site's method settles."""
    own = [kind for kind, name in method_by_kind(asked.last_day).items() if not name]
    at = DeliveryDay(asked.last_day, portfolio.time_zone).start
    devices = Device.objects.filter(
        kind__in=own, enrollments__portfolio=portfolio, enrollments__period__contains=at
    ).order_by("pk")
    runs = SettlementRun.objects.filter(portfolio=portfolio, device_performances__isnull=False).distinct()
    device_ids = list(devices.values_list("pk", flat=True))
    return _fits(device_ids, portfolio.time_zone, portfolio.zone_code, profiles, _dates(runs), asked)


def _dates(runs: QuerySet[SettlementRun]) -> frozenset[date]:
    return frozenset(runs.values_list("delivery_date", flat=True))


def _fits(
    device_ids: list[int],
    zone: str,
    zone_code: str,
    profiles: Sequence[BaselineProfile],
    dispatched: frozenset[date],
    asked: Placebos,
) -> list[Fit]:
    holidays = holidays_before(zone_code, asked.last_day, NO_PINS)
    placebo = asked.events(zone, holidays | dispatched)
    if not placebo or not device_ids:
        return []
    rules: list[Rule] = [rule_of(profile, zone) for profile in profiles]
    start = DeliveryDay(min(placebo) - timedelta(days=LONGEST_LOOK_BACK_DAYS), zone).start
    values_kwh = _summed_kwh(device_ids, start, DeliveryDay(asked.last_day, zone).end, asked.as_of)
    series = Series(as_datetime64(start), STEP_MINUTES * 60, values_kwh.size)
    return certify(values_kwh, series, rules, placebo, holidays, dispatched)


def _summed_kwh(device_ids: list[int], start: datetime, end: datetime, as_of: datetime) -> FloatArray:
    """(T,) energy of the devices together; a device that is silent where most are not is left out."""
    total = 0.0
    for first in range(0, len(device_ids), DEVICES_AT_ONCE):
        power_kw = interval_power_kw(device_ids[first : first + DEVICES_AT_ONCE], start, end, as_of=as_of)
        known = ~np.isnan(power_kw)
        common = known.mean(axis=0) >= 0.5
        total = total + power_kw[known[:, common].all(axis=1)].sum(axis=0)
    return np.asarray(energy_kwh(np.asarray(total), STEP_MINUTES))


def as_sheet(certification: Certification) -> Sheet:
    """A kept certification as its page shows it."""
    rows = [
        FitRow(
            level=fit.level,
            method=fit.profile.name,
            events=fit.events,
            rrmse_pu=fit.rrmse_pu,
            bias_pu=fit.bias_pu,
            missing_pu=fit.missing_pu,
            band_pu=(fit.band_low_pu, fit.band_high_pu),
            passes=fit.passes,
            placebo=[(one["date"], one["baseline_kwh"], one["actual_kwh"]) for one in fit.placebo],
        )
        for fit in sorted(certification.fits.all(), key=lambda fit: (fit.level != "SITE", fit.level, fit.rank))
    ]
    return Sheet(
        device=certification.device.code,
        period=f"{certification.first_day} to {certification.last_day}, "
        f"{certification.first_hour}:00 to {certification.last_hour}:00 local",
        outcome=certification.get_level_display(),
        reason=certification.reason,
        gate_rrmse_pu=certification.gate_rrmse_pu,
        gate_bias_pu=certification.gate_bias_pu,
        rows=rows,
    )
