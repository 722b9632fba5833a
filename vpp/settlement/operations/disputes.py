"""Steps of a dispute."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from vpp.accounts.operations import audit
from vpp.lib.errors import Conflict
from vpp.settlement.models import Dispute, DisputeEvent


class DisputeStepRefused(Conflict):
    """The dispute's state does not allow the step."""

    code = "dispute_step_refused"


@transaction.atomic
def step_dispute(dispute: Dispute, state: str, *, text: str, at: datetime, actor: object) -> Dispute:
    """Answer, reopen or resolve a dispute. Raises DisputeStepRefused."""
    allowed = Dispute.STEPS.get(Dispute.State(dispute.state), ())
    if state not in allowed or not Dispute.objects.filter(pk=dispute.pk, state=dispute.state).update(state=state):
        raise DisputeStepRefused(f"{dispute.state} cannot become {state}", state=dispute.state)
    dispute.state = state
    DisputeEvent.objects.create(dispute=dispute, state=state, at=at, by=str(actor)[:120], text=text)
    audit(at=at, actor=actor, action="dispute.stepped", subject=dispute, after={"state": state}, reason=text[:400])
    return dispute
