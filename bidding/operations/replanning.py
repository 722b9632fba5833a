"""A new plan for the rest of a portfolio's day: what was awarded is fixed, what is still before its gate is free.

It is made when a bid was taken in part, not at all, rejected or expired (`replan_jobs`). A bid that the market still
has is only changed where the new plan earns more than standing by it; what an operator made or holds is left alone.
All in one transaction under the portfolio's lock, so a job that was killed leaves nothing and may run again.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction

from bidding.errors import REFUSALS, RunUnderWay
from bidding.models import Bid, BidEvent, NightlyRun, NightlyStep, PlannedDay
from bidding.operations import bids, book
from bidding.operations.nightly import NightlyContext, run_step
from bidding.operations.offering import risk_of
from bidding.operations.optimising import sentence
from bidding.operations.positions import as_json, bid_drafts
from bidding.operations.replan_choice import Choice, choose, expected_worth
from bidding.operations.replan_scene import Scene, scene_of
from bidding.queries import book_check
from bidding.wholesale import obligations
from vpp.accounts.operations import audit

if TYPE_CHECKING:
    from bidding.operations.drafts import BidDraft


@transaction.atomic
def replan(*, portfolio_id: int, delivery_date: date, event_id: int, why: str, at: datetime) -> NightlyRun | None:
    """Plan the rest of the day anew after a step of a bid (its event's id), and change open bids where that pays.

    None where the nightly run has not planned the day yet, or a plan that was made after the event exists.
    Raises RunUnderWay while the nightly run is at work.
    """
    portfolio = book.lock_portfolio(portfolio_id)
    night = NightlyRun.objects.filter(natural_key=f"nightly:{portfolio.zone_code}:{delivery_date}").first()
    prefix = f"{NightlyRun.REPLAN}{portfolio.code}:{delivery_date}:"
    if night is None or _known(prefix, event_id):
        return None
    if night.state == NightlyRun.State.RUNNING:
        raise RunUnderWay(f"{night} is at work", run=night.natural_key)
    scene = scene_of(portfolio, delivery_date, prefix, event_id, why, at)
    for name, work in (("why", _say_why), ("optimise", _optimise), ("check", _apply)):
        run_step(scene.context, name, partial(work, scene))
    run = scene.context.run
    degraded = run.steps.filter(state=NightlyStep.State.DEGRADED).exists()
    run.state = NightlyRun.State.DEGRADED if degraded else NightlyRun.State.DONE
    run.finished_at = at
    run.save(update_fields=["state", "finished_at"])
    audit(at=at, actor="service", action="plan.replanned", subject=run, reason=why)
    return run


def _known(prefix: str, event_id: int) -> bool:
    """Whether a new plan already took this event in."""
    later = NightlyStep.objects.filter(name="why", run__natural_key__startswith=prefix, detail__events_to__gte=event_id)
    return later.exists()


def _say_why(scene: Scene, _context: NightlyContext) -> dict[str, Any]:
    newest = BidEvent.objects.filter(bid__portfolio=scene.portfolio).latest("pk").pk
    return {
        "why": scene.why,
        "open": [str(offer.product) for offer in scene.offers],
        "events_to": newest,
    }


def _optimise(scene: Scene, _context: NightlyContext) -> dict[str, Any]:
    """The better of standing by the open bids and planning them anew."""
    from bidding.kernels.problem import BadProblem
    from bidding.kernels.solver import SolverFailed

    try:
        scene.choice = choose(scene.portfolio, scene.context.day, scene.offers, scene.live, at=scene.context.at)
    except (SolverFailed, BadProblem) as error:
        return {"findings": [f"{scene.portfolio}: the plan before stands, {error}"]}
    return {
        "gaps": {scene.portfolio.code: scene.choice.plan.gap},
        "better_by": round(scene.choice.gain, 2),
        "open_bids": "planned anew" if scene.choice.anew else "kept",
        "findings": [sentence(item) for item in _shortfalls(scene.choice)],
    }


def _shortfalls(choice: Choice) -> list[dict[str, Any]]:
    """Of promises, and of capacity obligations with what the plan offers."""
    left = obligations.without_planned(choice.offers, _positions(choice))
    return [vars(item) for item in choice.plan.missed_promises] + obligations.shortfalls(left)


def _positions(choice: Choice) -> dict[str, Any]:
    return as_json(choice.plan, {}) | choice.offered.form()


def _apply(scene: Scene, _context: NightlyContext) -> dict[str, Any]:
    """Store the plan, and put its bids in the place of those it gives up; the bids stand where that is refused."""
    choice, findings = scene.choice, list[str]()
    if choice is None:
        return {"bids": 0, "withdrawn": 0, "findings": findings}
    made, withdrawn = 0, 0
    try:
        with transaction.atomic():
            planned = _stored(scene, choice)
            made, withdrawn = _changed_bids(scene, choice, planned, findings)
    except REFUSALS as error:
        findings.append(f"{scene.portfolio}: the bids before stand, {error.message}")
    findings += [
        f"{item.portfolio_code}: {item.rule} at {item.interval_start} ({item.value_kw} kW, limit {item.limit_kw} kW)"
        for item in book_check(scene.context.day.date)
        if item.portfolio_code == scene.portfolio.code
    ]
    return {"bids": made, "withdrawn": withdrawn, "findings": findings}


def _stored(scene: Scene, choice: Choice) -> PlannedDay:
    plan, day = choice.plan, scene.context.day
    risk = risk_of(choice.gathered, choice.offered.at_most, settings.OFFER_CONFIDENCE)
    return PlannedDay.objects.create(
        run=scene.context.run,
        portfolio=scene.portfolio,
        forecast_run=choice.gathered.forecast_run,
        kind=PlannedDay.Kind.OPTIMISED,
        status=plan.status,
        positions=_positions(choice) | {"risk": risk},
        capacity_up_kw=choice.gathered.capacity_up_kw.tolist(),
        capacity_down_kw=choice.gathered.capacity_down_kw.tolist(),
        recovery_kw=plan.recovery_kw.tolist(),
        shortfalls=_shortfalls(choice),
        expected_profit=choice.offered.profit + expected_worth(scene.portfolio, day, choice, scene.live),
        gap=plan.gap,
        solver={"engine": plan.engine, "status": plan.status, "why": scene.why},
        settled=True,
    )


def _changed_bids(scene: Scene, choice: Choice, planned: PlannedDay, findings: list[str]) -> tuple[int, int]:
    context, why = scene.context, f"planned anew: {scene.why}"
    drafts = {draft.product.pk: draft for draft in bid_drafts(replace(context, products=choice.offers), planned)}
    given_up = [bid for bid in scene.live if choice.anew and not _same(bid, drafts.get(bid.product_id))]
    kept = {bid.product_id for bid in scene.live} - {bid.product_id for bid in given_up}
    for bid in given_up:
        bids.end_bid(bid, Bid.State.WITHDRAWN, at=context.at, reason=why)
    over = book.open_book(  # what is promised beyond it is told only where it still stands
        portfolio_id=scene.portfolio.pk, day=context.day, up_kw=choice.gathered.capacity_up_kw,
        down_kw=choice.gathered.capacity_down_kw,
    )  # fmt: skip
    findings += [str(short) for short in over]
    fresh = [draft for pk, draft in drafts.items() if pk not in kept]
    for draft in fresh:
        earlier = Bid.objects.filter(
            portfolio=draft.portfolio, product=draft.product, ask=None, delivery_date=context.day.date
        ).count()
        bid = bids.create_bid(
            replace(draft, version=earlier + 1), at=context.at, nightly_run=context.run,
            forecast_run=choice.gathered.forecast_run, gap=planned.gap, solver=planned.solver, reason=why,
        )  # fmt: skip
        bids.submit_bid(bid, at=context.at)
    return len(fresh), len(given_up)


def _same(bid: Bid, draft: BidDraft | None) -> bool:
    """Whether the new plan asks for just what the market has."""
    return draft is not None and (
        [list(draft.up_kw), list(draft.down_kw), list(draft.price_per_mwh), draft.curve, draft.blocks]
        == [bid.up_kw, bid.down_kw, bid.price_per_mwh, bid.curve, bid.blocks]
    )
