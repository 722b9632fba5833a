"""The steps of the nightly run. Each may run again after a kill: what is stored already is left as it is."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.db import transaction

from bidding.distribution.ask_states import end_answering
from bidding.distribution.contract_use import check_offer
from bidding.distribution.offering import make_options
from bidding.errors import REFUSALS, DomainError, GatePassed
from bidding.models import Bid, PlannedDay
from bidding.operations import bids, book
from bidding.operations.nightly import NightlyContext
from bidding.operations.optimising import gathered_for, optimise
from bidding.operations.positions import as_json, bid_drafts
from bidding.queries import book_check, open_asks
from bidding.wholesale.queries import wholesale_products

__all__ = ["check_data", "make_bids", "make_forecast", "optimise", "prepare_fallbacks", "submit"]


def check_data(context: NightlyContext) -> dict[str, Any]:
    """What there is to sell, at which expected prices, and which asks wait."""
    findings = [f"{offer.product}: {offer.note}" for offer in context.products if offer.is_fallback]
    offered = {offer.product.pk for offer in context.products}
    every = wholesale_products(context.run.zone_code, context.day.date)
    findings += [f"{product}: no price is known, not offered" for product in every if product.pk not in offered]
    closed = [str(offer.product) for offer in context.products if offer.gate_at <= context.at]
    findings += [f"{code}: the gate is closed" for code in closed]
    return {
        "portfolios": len(context.portfolios),
        "products": {str(offer.product): offer.note for offer in context.products},
        "asks": [ask.reference for ask in open_asks(context.run.zone_code, context.day.date, context.at)],
        "findings": findings,
    }


def make_forecast(context: NightlyContext) -> dict[str, Any]:
    """A forecast for every portfolio, made now if the forecast job has not made it before."""
    from forecasting import queries as forecasts

    def missing() -> list[str]:
        return [
            portfolio.code
            for portfolio in context.portfolios
            if forecasts.latest_run(portfolio.pk, context.day.date, context.known_at) is None
        ]

    findings = []
    if missing():
        from forecasting import operations as forecasting

        try:
            forecasting.run_forecast(
                zone_code=context.run.zone_code, delivery_date=context.day.date, at=context.known_at
            )
        except DomainError as error:
            findings.append(f"forecast: {error.message}")
    findings += [f"{code}: no forecast" for code in missing()]
    return {"findings": findings}


def prepare_fallbacks(context: NightlyContext) -> dict[str, Any]:
    """A safe bid for every portfolio, stored before anything is optimised."""
    from bidding.kernels.fallback import idle_plan

    findings: list[str] = []
    for portfolio in context.portfolios:
        if PlannedDay.objects.filter(run=context.run, portfolio=portfolio).exists():
            continue
        gathered = gathered_for(context, portfolio, asks={})
        findings += [f"{portfolio}: {note}" for note in gathered.notes]
        plan = idle_plan(gathered.problem)
        PlannedDay.objects.create(
            run=context.run,
            portfolio=portfolio,
            forecast_run=gathered.forecast_run,
            status=plan.status,
            positions=as_json(plan, {}),
            capacity_up_kw=gathered.capacity_up_kw.tolist(),
            capacity_down_kw=gathered.capacity_down_kw.tolist(),
            recovery_kw=plan.recovery_kw.tolist(),
            expected_profit=plan.profit_eur,
            solver={"engine": plan.engine},
        )
    return {"findings": findings}


def make_bids(context: NightlyContext) -> dict[str, Any]:
    """Bids with their kilowatts claimed in the book, one transaction per portfolio, then the independent check."""
    findings: list[str] = []
    made = 0
    days = PlannedDay.objects.filter(run=context.run).select_related("portfolio", "forecast_run")
    for planned in days.order_by("portfolio__code"):
        count, more = _bids_of(context, planned)
        made, findings = made + count, findings + more
    findings += [
        f"{item.portfolio_code}: {item.rule} at {item.interval_start} ({item.value_kw} kW, limit {item.limit_kw} kW)"
        for item in book_check(context.day.date)
    ]
    return {"bids": made, "findings": findings}


@transaction.atomic
def _bids_of(context: NightlyContext, planned: PlannedDay) -> tuple[int, list[str]]:
    over = book.open_book(
        portfolio_id=planned.portfolio_id,
        day=context.day,
        up_kw=np.array(planned.capacity_up_kw),
        down_kw=np.array(planned.capacity_down_kw),
    )
    findings, made = [f"{planned.portfolio}: {short}" for short in over], 0
    for draft in bid_drafts(context, planned):
        try:
            with transaction.atomic():
                check_offer(draft)
                bid = bids.create_bid(
                    draft,
                    at=context.at,
                    nightly_run=context.run,
                    forecast_run=planned.forecast_run,
                    gap=planned.gap,
                    solver=planned.solver,
                )
                make_options(
                    bid,
                    half_price_per_mwh=planned.positions.get("ask_half_price", {}).get(str(bid.ask_id)),
                    recovery_kw=planned.recovery_kw,
                )
            made += 1
        except REFUSALS as error:
            findings.append(f"{draft.natural_key}: {error.message}")
    return made, findings


def submit(context: NightlyContext) -> dict[str, Any]:
    """Send what was checked; asks that nobody can answer are told so. Of a portfolio whose book the independent check
    doubts nothing is sent: its bids wait for an operator, or expire.
    """
    findings, sent = [], 0
    doubted = {item.portfolio_code: item.rule for item in book_check(context.day.date)}
    checked = Bid.objects.filter(nightly_run=context.run, state=Bid.State.CHECKED)
    for bid in checked.select_related("product__market", "ask", "portfolio").order_by("pk"):
        if rule := doubted.get(bid.portfolio.code):
            findings.append(f"{bid}: not sent, the check of the book found {rule}")
            continue
        try:
            bids.submit_bid(bid, at=context.at)
            sent += 1
        except GatePassed as error:
            bids.end_bid(bid, Bid.State.EXPIRED, at=context.at, reason=error.message)
            findings.append(f"{bid}: {error.message}")
    for ask in open_asks(context.run.zone_code, context.day.date, context.at):
        with transaction.atomic():
            end_answering(ask, at=context.at)
    return {
        "bids": Bid.objects.filter(nightly_run=context.run, state__in=Bid.SENT_STATES).count(),
        "findings": findings,
    }
