"""An owner changes what is agreed for a device, from a moment on: the old terms end, a changed copy takes over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from vpp.accounts.operations import audit
from vpp.enrollment.models import Device, OwnerTerms
from vpp.lib.errors import DomainError

WISHES = ("departure_local_time", "departure_energy_kwh", "comfort_min_c", "comfort_max_c", "reserve_floor_pu")
# agreed with the owner and set by staff
AGREED = ("max_events_per_day", "max_events_per_season", "max_hours_per_day", "notice_minutes", "rest_minutes")
# of the machine itself
TIMES = ("min_on_minutes", "min_off_minutes")


class BadTerms(DomainError):
    """The wish contradicts itself or cannot be met by the device; nothing changed."""

    code = "bad_terms"


@transaction.atomic
def change_terms(device: Device, wishes: Mapping[str, Any], *, at: datetime, actor: object, reason: str = "") -> bool:
    """`wishes`: some of WISHES and their new values. True if that is a change. Raises BadTerms."""
    if unknown := set(wishes) - set(WISHES):
        raise BadTerms(f"not an owner's wish: {', '.join(sorted(unknown))}")
    return _change(device, wishes, at=at, actor=actor, reason=reason)


@transaction.atomic
def change_limits(device: Device, limits: Mapping[str, Any], *, at: datetime, actor: object, reason: str = "") -> bool:
    """As change_terms, by staff: of WISHES and AGREED, and of TIMES, which are the device's own and hold at once."""
    if unknown := set(limits) - {*WISHES, *AGREED, *TIMES}:
        raise BadTerms(f"not a limit of use: {', '.join(sorted(unknown))}")
    terms = {name: value for name, value in limits.items() if name not in TIMES}
    changed = bool(terms) and _change(device, terms, at=at, actor=actor, reason=reason)
    times = {name: value for name, value in limits.items() if name in TIMES}
    machine = Device.objects.select_for_update(of=("self",)).get(pk=device.pk)
    before = {name: getattr(machine, name) for name in times}
    if before != times:
        Device.objects.filter(pk=device.pk).update(**times)
        audit(
            at=at,
            actor=actor,
            action="device.limits_changed",
            subject=device,
            before=before,
            after=times,
            reason=reason,
        )
    return changed or before != times


def _change(device: Device, wishes: Mapping[str, Any], *, at: datetime, actor: object, reason: str) -> bool:
    """The terms with these values from `at` on; False if they stand so already."""
    Device.objects.select_for_update(of=("self",)).get(pk=device.pk)  # two changes at once: one after the other
    terms = OwnerTerms.objects.filter(device=device, period__contains=at).first()
    before = {name: getattr(terms or OwnerTerms(), name) for name in wishes}
    if before == dict(wishes):
        return False
    changed = terms or OwnerTerms(device=device, period=DateTimeTZRange(at, _next_start(device, at)))
    if terms is not None and terms.period.lower != at:
        OwnerTerms.objects.filter(pk=terms.pk).update(period=DateTimeTZRange(terms.period.lower, at))
        changed.pk, changed._state.adding = None, True
        changed.period = DateTimeTZRange(at, terms.period.upper)
    for name, value in wishes.items():
        setattr(changed, name, value)
    _check(device, changed)
    changed.save()
    audit(
        at=at, actor=actor, action="device.terms_changed", subject=device, before=_plain(before),
        after=_plain(wishes), reason=reason,
    )  # fmt: skip
    return True


def _check(device: Device, terms: OwnerTerms) -> None:
    low, high = terms.comfort_min_c, terms.comfort_max_c
    if low is not None and high is not None and low >= high:
        raise BadTerms(f"the comfort band ends at {high} °C, below where it begins, {low} °C")
    capacity_kwh, wanted_kwh = device.energy_capacity_kwh, terms.departure_energy_kwh
    if wanted_kwh is not None and wanted_kwh < 0:
        raise BadTerms("departure_energy_kwh is from 0 up")
    if capacity_kwh and wanted_kwh is not None and wanted_kwh > capacity_kwh:
        raise BadTerms(f"{wanted_kwh} kWh do not fit into {capacity_kwh} kWh")
    if not 0.0 <= (terms.reserve_floor_pu or 0.0) <= 1.0:
        raise BadTerms("reserve_floor_pu is from 0 to 1")


def _next_start(device: Device, at: datetime) -> datetime | None:
    """Where terms that are agreed for later begin."""
    later = OwnerTerms.objects.filter(device=device, period__startswith__gt=at).order_by("period").first()
    return later.period.lower if later else None


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, time) else value for name, value in values.items()}
