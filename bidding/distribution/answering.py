"""Asks that the nightly run did not or will not answer get their bid at once, from the same optimisation.

Wholesale products that are still open are in the problem, so an answer costs what it displaces; only the asks become
bids here. What is bid or awarded already is a fixed input.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from django.db import transaction
from django.db.models import QuerySet

from bidding.distribution.ask_states import end_answering
from bidding.distribution.contract_use import lock_contracts, within_energy
from bidding.distribution.reactive import answer_reactive
from bidding.distribution.real import answer_real, still_wanted_kw
from bidding.models import Ask, Bid
from bidding.operations import book
from bidding.operations.drafts import day_of
from vpp.enrollment.models import Portfolio
from vpp.enrollment.queries import portfolios_behind


@dataclass
class Answers:
    """Bids made, asks that got none, and why."""

    bids: list[Bid] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)


def answer_feeder(*, feeder_code: str, delivery_date: date, at: datetime) -> Answers:
    """Bid on every open ask of a feeder and day whose gate is ahead. Safe to run again: what has a bid is left."""
    answers = Answers()
    for portfolio in portfolios_behind(feeder_code, at):
        if not _open(feeder_code, delivery_date, at).exists():
            break
        answers.bids += _answer_one(portfolio, feeder_code, delivery_date, at, answers.findings)
    with transaction.atomic():
        for ask in _locked(_open(feeder_code, delivery_date, at)):
            if not end_answering(ask, at=at, reason="nothing free"):
                answers.unanswered.append(ask.reference)
    return answers


def _open(feeder_code: str, delivery_date: date, at: datetime) -> QuerySet[Ask]:
    return Ask.objects.open_for_bids().filter(
        congestion_point__feeder__code=feeder_code, delivery_date=delivery_date, gate_at__gt=at
    )


def _locked(asks: QuerySet[Ask]) -> list[Ask]:
    """Those that are still so once whoever answers them at the same moment is done."""
    return list(asks.select_for_update(no_key=True, of=("self",)).order_by("pk"))


@transaction.atomic
def _answer_one(
    portfolio: Portfolio, feeder_code: str, delivery_date: date, at: datetime, findings: list[str]
) -> list[Bid]:
    """One portfolio's bids, under the locks of its book and of the asks (asks first, as everywhere)."""
    from bidding.wholesale.queries import ask_product

    asks = _locked(
        _open(feeder_code, delivery_date, at).select_related("congestion_point__feeder", "utility", "contract")
    )
    lock_contracts(asks)
    book.lock_portfolio(portfolio.pk)
    product = ask_product(portfolio.zone_code, delivery_date)
    if product is None:
        findings.append(f"{portfolio}: its zone has no product for asks")
        return []
    day = day_of(product, delivery_date)
    made = [
        answer_reactive(portfolio, product, ask, day, at) for ask in asks if ask.power_kind == Ask.PowerKind.REACTIVE
    ]
    wanted = {ask.pk: (ask, still_wanted_kw(ask)) for ask in asks if ask.power_kind == Ask.PowerKind.REAL}
    wanted = {pk: item for pk, item in within_energy(wanted, day).items() if item[1].any()}
    if wanted:
        made += answer_real(portfolio, product, day, wanted, at, findings)
    return [bid for bid in made if bid is not None]
