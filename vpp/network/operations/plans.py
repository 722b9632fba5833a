"""Plans of a clearing: stored with their reasons, decided by the utility's people, with four eyes if they want."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction

from vpp.accounts import operations as accounts
from vpp.lib.errors import Conflict, NotFound
from vpp.lib.money import quantize_cents
from vpp.network.feeder_grid import spans_of, states_of
from vpp.network.models import ClearingPlan, Feeder, PlanBid, PlanDecision, TopologyVersion

if TYPE_CHECKING:
    from vpp.network.kernels.clearing.problem import ClearingProblem, ClearingResult
    from vpp.network.kernels.screening import Violation


class UnknownPlan(NotFound):
    code = "unknown_plan"


class PlanDecided(Conflict):
    """The plan is accepted, rejected or superseded already."""

    code = "plan_decided"


class SameEyes(Conflict):
    """Four eyes were asked for: the second pair must be somebody else's."""

    code = "same_eyes"


class StalePlan(Conflict):
    """The feeder was switched or rebuilt since the plan was made: its AC check does not hold any more."""

    code = "stale_plan"


@dataclass(frozen=True)
class PlanFrame:
    """What a plan belongs to; topologies: the switching states that the day passes through, in order."""

    feeder: Feeder
    delivery_date: date
    time_zone: str
    topologies: tuple[TopologyVersion, ...]
    four_eyes: bool

    @property
    def versions(self) -> list[int]:
        return [state.version for state in self.topologies]


def store_plan(
    frame: PlanFrame, problem: ClearingProblem, result: ClearingResult, *, at: datetime, actor: object
) -> ClearingPlan:
    """Keep a clearing as PROPOSED; earlier undecided plans of the feeder's day are superseded. The same clearing again
    gives the plan that is there."""
    key = _natural_key(frame, problem, result)
    found = ClearingPlan.objects.filter(natural_key=key).first()
    if found is not None:
        return found
    with transaction.atomic():
        Feeder.objects.select_for_update().get(pk=frame.feeder.pk)
        open_states = (ClearingPlan.State.PROPOSED, ClearingPlan.State.ENDORSED)
        earlier = ClearingPlan.objects.filter(feeder=frame.feeder, delivery_date=frame.delivery_date)
        earlier.filter(state__in=open_states).update(state=ClearingPlan.State.SUPERSEDED)
        bids = _plan_bids(problem, result)
        plan = ClearingPlan.objects.create(
            natural_key=key,
            feeder=frame.feeder,
            delivery_date=frame.delivery_date,
            time_zone=frame.time_zone,
            topology=frame.topologies[-1] if frame.topologies else None,
            topology_versions=frame.versions,
            created_at=at,
            four_eyes=frame.four_eyes,
            cost=sum((bid.cost for bid in bids), Decimal(0)),
            ac_valid=result.ac_valid,
            cures_all=result.cures_all,
            corrections=result.corrections,
            violations_before=[_plain(item) for item in result.before],
            violations_after=[_plain(item) for item in result.after],
        )
        for bid in bids:
            bid.plan = plan
        PlanBid.objects.bulk_create(bids)
        accounts.audit(at=at, actor=actor, action="plan.proposed", subject=plan, after={"cost": str(plan.cost)})
    return plan


def _plan_bids(problem: ClearingProblem, result: ClearingResult) -> list[PlanBid]:
    codes, rows = problem.model.nodes.codes, []
    for place, bid in enumerate(problem.bids):
        lost = result.lost.get(bid.reference)
        rows.append(
            PlanBid(
                reference=bid.reference,
                aggregator=bid.aggregator,
                node_codes=[codes[node] for node in bid.nodes],
                price_per_mwh=bid.price_per_mwh.tolist(),
                offered_kw=(0.0 - bid.p_kw).tolist(),
                taken_kw=(0.0 - bid.p_kw * result.share[place]).tolist(),
                taken_kvar=(0.0 - bid.q_kvar * result.share[place]).tolist(),
                cost=quantize_cents(Decimal(repr(float(result.cost[place])))),
                reason=lost.code if lost else "",
                explanation=lost.explanation if lost else "",
            )
        )
    return rows


def _natural_key(frame: PlanFrame, problem: ClearingProblem, result: ClearingResult) -> str:
    content: list[Any] = [frame.feeder.code, frame.delivery_date.isoformat(), frame.versions, frame.four_eyes]
    content += [
        [bid.reference, bid.p_kw.tolist(), bid.q_kvar.tolist(), bid.price_per_mwh.tolist()] for bid in problem.bids
    ]
    content += [problem.base_p_kw.round(6).tolist(), result.share.round(6).tolist()]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _plain(item: Violation) -> dict[str, Any]:
    numbers = {"value": item.value, "limit": item.limit, "excess_kw": item.excess_kw}
    kept = {name: None if value != value else round(value, 6) for name, value in numbers.items()}
    return {"element": item.element_code, "kind": item.kind, "interval": item.interval, **kept}


def decide_plan(
    plan: ClearingPlan, *, accepted: bool, at: datetime, actor: object, who: str, reason: str = ""
) -> ClearingPlan:
    """One word on a plan; `who` names the person or program uniquely. A repeat of the same word changes nothing.

    With four eyes the first acceptance makes it ENDORSED and another one's makes it ACCEPTED; one rejection is enough.
    Raises PlanDecided, SameEyes, StalePlan.
    """
    with transaction.atomic():
        plan = ClearingPlan.objects.select_for_update(of=("self",)).select_related("feeder", "topology").get(pk=plan.pk)
        earlier = plan.decisions.filter(actor=who).first()
        if earlier is not None and earlier.accepted == accepted:
            if plan.state == ClearingPlan.State.ENDORSED:
                raise SameEyes("this plan waits for a second person", plan=plan.pk)
            return plan
        after = _next_state(plan, accepted)
        if after not in ClearingPlan.STEPS.get(ClearingPlan.State(plan.state), ()):
            raise PlanDecided(f"plan {plan.pk} is {plan.state}", plan=plan.pk, state=plan.state)
        if accepted:
            _still_holds(plan)
        before, plan.state = plan.state, after
        plan.save(update_fields=["state"])
        try:
            with transaction.atomic():
                PlanDecision.objects.create(plan=plan, at=at, actor=who, accepted=accepted, reason=reason)
        except IntegrityError:
            raise PlanDecided(f"{who} has decided on plan {plan.pk} before", plan=plan.pk, state=before) from None
        action = f"plan.{plan.state.lower()}"
        accounts.audit(
            at=at, actor=actor, action=action, subject=plan, before={"state": before}, after={"state": plan.state},
            reason=reason,
        )  # fmt: skip
    return plan


def _next_state(plan: ClearingPlan, accepted: bool) -> ClearingPlan.State:
    if not accepted:
        return ClearingPlan.State.REJECTED
    first_of_two = plan.four_eyes and plan.state == ClearingPlan.State.PROPOSED
    return ClearingPlan.State.ENDORSED if first_of_two else ClearingPlan.State.ACCEPTED


def _still_holds(plan: ClearingPlan) -> None:
    """The switching states of the delivery day are still those that the plan was checked on."""
    from vpp.lib.periods import DeliveryDay

    starts64 = DeliveryDay(plan.delivery_date, plan.time_zone).starts64()
    now = [state.version for _, state in spans_of(states_of(plan.feeder), starts64) if state is not None]
    if now != plan.topology_versions:
        raise StalePlan("the feeder was switched since; clear again", plan=plan.pk)
