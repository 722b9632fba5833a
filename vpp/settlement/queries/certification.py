"""Certifying the baseline methods of a device on its own past."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import numpy as np

from telemetry.queries import interval_power_kw
from vpp.enrollment.models import Device
from vpp.lib.periods import DeliveryDay, as_datetime64, local_moment
from vpp.lib.units import energy_kwh
from vpp.settlement.kernels.certification import Fit, certify
from vpp.settlement.kernels.slots import Event, Series
from vpp.settlement.models import BaselineProfile, SettlementRun
from vpp.settlement.queries.rules import NO_PINS, holidays_before, profiles_in_force, rule_of

STEP_MINUTES = 15
LONGEST_LOOK_BACK_DAYS = 90


def certify_device(
    device: Device, *, last_day: date, days: int, first_hour: int, last_hour: int, as_of: datetime
) -> list[Fit]:
    """The fit of every day-matching profile in force on placebo events of the last `days` business days.

    The event runs from first_hour to last_hour on the site's clock. Days on which the device was settled as dispatched
    are events, not placebos.
    """
    zone = device.site.time_zone
    names = BaselineProfile.objects.filter(method=BaselineProfile.Method.X_OF_Y, valid_from__lte=last_day)
    matching = profiles_in_force(sorted(set(names.values_list("name", flat=True))), last_day)
    rules = [
        rule_of(profile, zone)
        for profile in matching.values()
        if profile.parameters.get("pick") != "nearest_temperature"  # no temperatures are kept
    ]
    holidays = holidays_before(device.site.zone_code, last_day, NO_PINS)
    dispatched = frozenset(
        SettlementRun.objects.filter(device_performances__device=device).values_list("delivery_date", flat=True)
    )
    wanted = [last_day - timedelta(days=back) for back in range(days * 3)]
    placebo_days = [day for day in wanted if day.weekday() < 5 and day not in holidays | dispatched][:days]
    start = DeliveryDay(min(placebo_days) - timedelta(days=LONGEST_LOOK_BACK_DAYS), zone).start
    end = DeliveryDay(last_day, zone).end
    values_kwh = energy_kwh(interval_power_kw([device.pk], start, end, as_of=as_of)[0], STEP_MINUTES)
    placebo = {day: _event(day, zone, first_hour, last_hour) for day in placebo_days}
    series = Series(as_datetime64(start), STEP_MINUTES * 60, int(np.size(values_kwh)))
    return certify(values_kwh, series, rules, placebo, holidays, dispatched)


def _event(day: date, zone: str, first_hour: int, last_hour: int) -> Event:
    end_day, end_hour = divmod(last_hour, 24)
    return Event(
        local_moment(day, time(first_hour), zone), local_moment(day + timedelta(days=end_day), time(end_hour), zone)
    )
