"""A site's way in, step by step: owner, consent, contract, meter and devices, test, portfolio.

Each step stands on its own, can be repeated, and leaves a line in the audit trail; what is still missing is told by
`missing_steps`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from numpy.typing import NDArray

from vpp.accounts.models import Participant
from vpp.accounts.operations import audit, ensure_participant
from vpp.enrollment.models import Consent, Contract, Device, Enrollment, OwnerTerms, Portfolio, Prequalification, Site
from vpp.lib.errors import Conflict, DomainError

PASS_PU = 0.9  # of what was asked
LEAST_READINGS = 2


class StepRefused(DomainError):
    """The step cannot be taken; the message says what is in the way."""

    code = "enrollment_step_refused"


class TakenAlready(Conflict):
    code = "enrollment_taken"


@transaction.atomic
def register_owner(*, code: str, name: str, at: datetime, actor: object) -> Participant:
    """The owner with this code, made if there is none. Raises StepRefused where the code is somebody else's."""
    if known := Participant.objects.filter(code=code).first():
        if known.kind != Participant.Kind.OWNER:
            raise StepRefused(f"{code} is no owner but another participant")
        if known.name.casefold() != name.casefold():
            raise StepRefused(f"{code} is the owner {known.name}; type that name, or a code of their own for {name}")
        return known
    owner = ensure_participant(code=code, name=name, kind=Participant.Kind.OWNER)
    audit(at=at, actor=actor, action="owner.registered", subject=owner, after={"name": name})
    return owner


@transaction.atomic
def register_site(*, owner: Participant, fields: dict[str, Any], at: datetime, actor: object) -> Site:
    """A new site of an owner. `fields`: code, name, time_zone, zone_code, feeder_code, node_code, limits in kW."""
    if Site.objects.filter(code=fields["code"]).exists():
        raise TakenAlready(f"there is a site {fields['code']} already")
    site = Site.objects.create(owner=owner, **fields)
    audit(at=at, actor=actor, action="site.registered", subject=site, after={"code": site.code, "owner": owner.code})
    return site


@transaction.atomic
def record_consent(site: Site, *, given_by: str, document: str, at: datetime, actor: object) -> Consent:
    """The owner's agreement, in force from `at` on; a repeat of the same document finds the first one."""
    held = Site.objects.select_for_update().get(pk=site.pk)
    if found := held.consents.filter(withdrawn_at=None).first():
        if found.document != document:
            raise TakenAlready(f"{site.code} has agreed to {found.document}; withdraw that first")
        return found
    consent = Consent.objects.create(site=site, given_by=given_by, given_at=at, document=document)
    audit(at=at, actor=actor, action="consent.given", subject=consent, after={"by": given_by, "document": document})
    return consent


@transaction.atomic
def agree_contract(owner: Participant, *, fields: dict[str, Any], at: datetime, actor: object) -> Contract:
    """A contract from `at` on. Raises TakenAlready where one is in force."""
    Participant.objects.select_for_update(no_key=True).get(pk=owner.pk)  # two at once: one after the other
    if found := Contract.objects.active_at(at).filter(owner=owner).first():
        raise TakenAlready(f"{owner.code} has the contract {found.code}")
    if Contract.objects.filter(code=fields["code"]).exists():
        raise TakenAlready(f"there is a contract {fields['code']} already")
    contract = Contract.objects.create(owner=owner, period=DateTimeTZRange(at, None), **fields)
    audit(at=at, actor=actor, action="contract.agreed", subject=contract, after={"share": str(contract.owner_share_pu)})
    return contract


@transaction.atomic
def add_device(
    site: Site, *, fields: dict[str, Any], terms: dict[str, Any], at: datetime, actor: object
) -> tuple[Device, OwnerTerms | None]:
    """A meter or device behind the site's meter, with the terms its owner sets (none for a meter)."""
    if Device.objects.filter(code=fields["code"]).exists():
        raise TakenAlready(f"there is a device {fields['code']} already")
    try:
        with transaction.atomic():
            device = Device.objects.create(site=site, **fields)
    except IntegrityError as error:
        raise StepRefused(_told(error)) from error
    kept = None
    if device.kind != Device.Kind.METER:
        kept = OwnerTerms.objects.create(device=device, period=DateTimeTZRange(at, None), **terms)
    audit(at=at, actor=actor, action="device.registered", subject=device, after={"code": device.code})
    return device, kept


RULES = {
    "device_battery_has_a_capacity": "a battery needs a capacity above 0 kWh",
    "device_one_meter_a_site": "the site has a meter already",
    "device_efficiency_above_0_up_to_1": "an efficiency is above 0 and at most 1",
    "device_ratings_not_negative": "a rating is not negative",
}


def _told(error: IntegrityError) -> str:
    return next(
        (text for name, text in RULES.items() if name in str(error)), "the device breaks a rule of the database"
    )


@dataclass(frozen=True)
class Verdict:
    """What the readings of a test say; `delivered_up_kw` is NaN where too few came."""

    delivered_up_kw: float
    passed: bool
    reason: str


def judge_test(before_kw: NDArray[np.float64], during_kw: NDArray[np.float64], asked_up_kw: float) -> Verdict:
    """Mean power before the window less mean power inside it, against what was asked (up positive, never 0).

    before_kw, during_kw : (T,) of equal steps, consumption positive, NaN where a reading is missing.
    """
    known = [values[~np.isnan(values)] for values in (before_kw, during_kw)]
    if min(values.size for values in known) < min(LEAST_READINGS, during_kw.size):
        return Verdict(float("nan"), False, "too few readings before or inside the window")
    delivered_up_kw = float(known[0].mean() - known[1].mean())
    share = delivered_up_kw / asked_up_kw
    reason = "" if share >= PASS_PU else f"{share:.0%} of what was asked, {PASS_PU:.0%} are wanted"
    return Verdict(delivered_up_kw, share >= PASS_PU, reason)


@transaction.atomic
def record_test(
    device: Device, verdict: Verdict, *, start: datetime, minutes: int, asked_up_kw: float, at: datetime, actor: object
) -> Prequalification:
    """Keep the verdict of a window; a repeat of the window replaces it, because late readings may have changed it."""
    if np.isnan(verdict.delivered_up_kw):
        raise StepRefused(verdict.reason)
    test, _ = Prequalification.objects.update_or_create(
        device=device,
        window_start=start,
        defaults={
            "window_minutes": minutes, "asked_up_kw": asked_up_kw, "delivered_up_kw": verdict.delivered_up_kw,
            "passed": verdict.passed, "judged_at": at,
        },
    )  # fmt: skip
    after = {"asked_up_kw": asked_up_kw, "delivered_up_kw": verdict.delivered_up_kw, "passed": verdict.passed}
    audit(at=at, actor=actor, action="device.tested", subject=device, after=after, reason=verdict.reason)
    return test


@transaction.atomic
def enroll_device(device: Device, portfolio: Portfolio, *, at: datetime, actor: object) -> Enrollment:
    """From `at` on the device is sold with the portfolio. Raises StepRefused with all that is in the way."""
    held = Device.objects.select_for_update(of=("self",)).select_related("site__owner").get(pk=device.pk)
    if reasons := enrollment_obstacles(held, portfolio, at):
        raise StepRefused("; ".join(reasons), reasons=reasons)
    if found := Enrollment.objects.active_at(at).filter(device=device).first():
        if found.portfolio_id == portfolio.pk:
            return found
        raise TakenAlready(f"{device.code} is in another portfolio")
    enrollment = Enrollment.objects.create(device=device, portfolio=portfolio, period=DateTimeTZRange(at, None))
    audit(at=at, actor=actor, action="device.enrolled", subject=device, after={"portfolio": portfolio.code})
    return enrollment


def enrollment_obstacles(device: Device, portfolio: Portfolio, at: datetime) -> list[str]:
    """Why a device may not join a portfolio; empty where it may."""
    site, found = device.site, []
    if device.kind == Device.Kind.METER or not device.controllable:
        found.append("it cannot be controlled")
    if site.zone_code != portfolio.zone_code:
        found.append(f"it lies in zone {site.zone_code}, the portfolio in {portfolio.zone_code}")
    if portfolio.feeder_code and site.feeder_code != portfolio.feeder_code:
        found.append(f"it hangs on feeder {site.feeder_code or '(none)'}, the portfolio on {portfolio.feeder_code}")
    if not site.consents.filter(withdrawn_at=None).exists():
        found.append("the owner has not agreed")
    if not Contract.objects.active_at(at).filter(owner=site.owner_id).exists():
        found.append("the owner has no contract")
    if not device.prequalifications.filter(passed=True).exists():
        found.append("it has not passed its test")
    return found


def share_of(percent: Decimal) -> Decimal:
    """A percentage as it is typed, as a share of one."""
    return (percent / Decimal(100)).quantize(Decimal("0.0001"))
