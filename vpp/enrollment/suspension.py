"""Taking devices out of service and back, and an owner's opting out; each leaves its line in the audit trail."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from vpp.accounts.operations import audit
from vpp.enrollment.models import Consent, Device, OwnerTerms, Site
from vpp.lib.errors import Conflict


class ConsentWithdrawn(Conflict):
    """The site's owner has taken the agreement back."""

    code = "consent_withdrawn"


@transaction.atomic
def suspend_device(device: Device, *, at: datetime, actor: object, reason: str = "") -> bool:
    """The device is planned and dispatched no more, from `at` on. True if it was in service; a repeat changes nothing.

    What it has promised stays promised: the control loop places it on others.
    """
    if not Device.objects.filter(pk=device.pk, suspended_at=None).update(suspended_at=at):
        return False
    device.suspended_at = at
    _trail(device, "device.suspended", at=at, actor=actor, reason=reason, before=None, after=at)
    return True


@transaction.atomic
def resume_device(device: Device, *, at: datetime, actor: object, reason: str = "") -> bool:
    """Back in service. True if it was suspended; a repeat changes nothing. Raises ConsentWithdrawn."""
    held = Device.objects.select_for_update(of=("self",)).select_related("site").get(pk=device.pk)
    if held.suspended_at is None:
        return False
    signed = list(Consent.objects.filter(site=held.site).values_list("withdrawn_at", flat=True))
    if signed and None not in signed:
        raise ConsentWithdrawn(f"the owner of {held.site} has withdrawn the consent; a new one comes first")
    Device.objects.filter(pk=device.pk).update(suspended_at=None)
    device.suspended_at = None
    _trail(device, "device.resumed", at=at, actor=actor, reason=reason, before=held.suspended_at, after=None)
    return True


@transaction.atomic
def withdraw_consent(site: Site, *, at: datetime, actor: object, reason: str = "") -> list[Device]:
    """The owner agrees no more: from `at` on no device of the site is planned or dispatched; those that end are told.

    What they delivered until then is settled and paid. A repeat changes nothing.
    """
    Site.objects.select_for_update().get(pk=site.pk)
    consent = Consent.objects.filter(site=site, withdrawn_at=None).first()
    if consent is None:
        return []
    Consent.objects.filter(pk=consent.pk).update(withdrawn_at=at)
    audit(at=at, actor=actor, action="consent.withdrawn", subject=consent, after={"site": site.code}, reason=reason)
    why = reason or "consent withdrawn"
    devices = Device.objects.filter(site=site).order_by("pk")
    return [device for device in devices if suspend_device(device, at=at, actor=actor, reason=why)]


def _trail(
    device: Device,
    action: str,
    *,
    at: datetime,
    actor: object,
    reason: str,
    before: datetime | None,
    after: datetime | None,
) -> None:
    audit(
        at=at, actor=actor, action=action, subject=device, reason=reason,
        before={"suspended_at": before and before.isoformat()}, after={"suspended_at": after and after.isoformat()},
    )  # fmt: skip


@transaction.atomic
def set_opt_out(device: Device, *, opted_out: bool, at: datetime, actor: object, reason: str = "") -> bool:
    """From `at` on the owner lends the device no more (or again). True if that is a change.

    The terms that held end at `at`; a copy with the other answer takes over until where they would have ended.
    """
    Device.objects.select_for_update(of=("self",)).get(pk=device.pk)  # two clicks at once: one after the other
    terms = OwnerTerms.objects.filter(device=device, period__contains=at).first()
    if (terms.opted_out if terms else False) == opted_out:
        return False
    end = terms.period.upper if terms else _next_start(device, at)
    if terms is not None and terms.period.lower == at:
        OwnerTerms.objects.filter(pk=terms.pk).update(opted_out=opted_out)
    else:
        if terms is not None:
            OwnerTerms.objects.filter(pk=terms.pk).update(period=DateTimeTZRange(terms.period.lower, at))
        following = terms or OwnerTerms(device=device)
        following.pk, following._state.adding = None, True
        following.opted_out, following.period = opted_out, DateTimeTZRange(at, end)
        following.save()
    audit(
        at=at, actor=actor, action="device.opted_out" if opted_out else "device.opted_in", subject=device,
        before={"opted_out": not opted_out}, after={"opted_out": opted_out}, reason=reason,
    )  # fmt: skip
    return True


def _next_start(device: Device, at: datetime) -> datetime | None:
    """Where terms that are agreed for later begin."""
    later = OwnerTerms.objects.filter(device=device, period__startswith__gt=at).order_by("period").first()
    return later.period.lower if later else None
