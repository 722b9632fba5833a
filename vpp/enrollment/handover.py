"""A site changes hands; days before it stay the former owner's, in a restatement too."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from vpp.accounts.models import Participant
from vpp.accounts.operations import audit
from vpp.enrollment.models import Device, Handover, Site
from vpp.enrollment.onboarding import StepRefused
from vpp.enrollment.ownership import owners_of
from vpp.enrollment.suspension import withdraw_consent


@transaction.atomic
def hand_over(
    site: Site, owner: Participant, *, since: datetime, at: datetime, actor: object, reason: str = ""
) -> list[Device]:
    """From `since` on the site is `owner`'s, which is known from `at` on. The former owner's consent ends with that:
    the devices that are suspended by it are told, and come back once the new owner has agreed.

    The newest word holds: a wrong one is mended by another. A repeat changes nothing. Raises StepRefused.
    """
    held = Site.objects.select_for_update().get(pk=site.pk)  # no join: it would miss a change waited for
    last = held.handovers.order_by("-recorded_at", "-pk").first()
    if last is not None and (last.owner_id, last.since) == (owner.pk, since):
        return []
    _check(held, owner, since, at)
    row = Handover.objects.create(
        site=held, former_owner=held.owner, owner=owner, since=since, recorded_at=at
    )  # a trigger moves the site's present owner along
    site.owner = owner
    audit(
        at=at, actor=actor, action="site.handed_over", subject=site, reason=reason, before={"owner": held.owner.code},
        after={"owner": owner.code, "since": row.since.isoformat()},
    )  # fmt: skip
    if held.owner_id == owner.pk:
        return []
    return withdraw_consent(site, at=at, actor=actor, reason=reason or "the site changed hands")


def _check(site: Site, owner: Participant, since: datetime, at: datetime) -> None:
    if owner.kind != Participant.Kind.OWNER:
        raise StepRefused(f"{owner.code} is no owner but another participant")
    if since > at:
        raise StepRefused("a change of hands is recorded once it has happened")
    if site.owner_id == owner.pk and owners_of([site.pk], since, known_at=at)[site.pk] == owner.pk:
        raise StepRefused(f"{site.code} is {owner.code}'s on that day already")
