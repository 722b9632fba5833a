"""The review queue: settled days are looked at for made baselines; findings hold payouts until a person decides."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from vpp.accounts.operations import audit
from vpp.lib.errors import Conflict, DomainError
from vpp.settlement.models import ReviewFinding, SettlementRun
from vpp.settlement.queries import day_inputs
from vpp.settlement.queries.rules import pins_as_it_was
from vpp.settlement.queries.suspicion import signs


class AlreadyDecided(Conflict):
    code = "review_already_decided"


class ReasonMissing(DomainError):
    """A decision on somebody's money says why."""

    code = "review_reason_missing"


@transaction.atomic
def review_run(run: SettlementRun, *, at: datetime) -> list[ReviewFinding]:
    """Look at every day-matched device of a settled run; a repeat adds nothing. Nothing is denied: it is held."""
    pins = pins_as_it_was(run)
    inputs = day_inputs(portfolio=run.portfolio, delivery_date=run.delivery_date, as_of=run.as_of, pins=pins)
    found = []
    for sign in signs(run, inputs):
        finding, made = ReviewFinding.objects.get_or_create(
            kind=sign.kind,
            owner_id=int(inputs.devices.owner_id[sign.row]),
            device_id=int(inputs.devices.device_id[sign.row]),
            delivery_date=run.delivery_date,
            defaults={"found_at": at, "evidence": sign.evidence, "site_id": int(inputs.devices.site_id[sign.row])},
        )
        if made:
            audit(at=at, actor="settlement", action="review.found", subject=finding, after=sign.evidence)
            found.append(finding)
    return found


def release_payout(finding: ReviewFinding, *, reason: str, at: datetime, actor: object) -> ReviewFinding:
    """The finding is explained: the owner's payment goes out with the next payment file. Raises AlreadyDecided."""
    return decide_finding(finding, cleared=True, reason=reason, at=at, actor=actor)


def deny_payout(finding: ReviewFinding, *, reason: str, at: datetime, actor: object) -> ReviewFinding:
    """The finding is confirmed: the owner's payment stays held, with the reason. Raises AlreadyDecided."""
    return decide_finding(finding, cleared=False, reason=reason, at=at, actor=actor)


@transaction.atomic
def decide_finding(finding: ReviewFinding, *, cleared: bool, reason: str, at: datetime, actor: object) -> ReviewFinding:
    """Clear a finding (the payout is released) or confirm it (it stays held), with a reason.

    Raises AlreadyDecided, ReasonMissing.
    """
    if not reason.strip():
        raise ReasonMissing(f"say why {finding} is {'cleared' if cleared else 'confirmed'}")
    state = ReviewFinding.State.CLEARED if cleared else ReviewFinding.State.CONFIRMED
    changed = ReviewFinding.objects.filter(pk=finding.pk, state=ReviewFinding.State.OPEN).update(
        state=state, decided_at=at, decision=reason
    )
    if not changed:
        raise AlreadyDecided(f"{finding} is decided")
    finding.refresh_from_db()
    audit(at=at, actor=actor, action="review.decided", subject=finding, after={"state": state}, reason=reason)
    return finding
