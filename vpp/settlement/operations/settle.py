"""Settling one delivery day of one portfolio."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction

from bidding.models import Ask, Award
from bidding.operations import mark_ask
from vpp.accounts.operations import audit
from vpp.enrollment.models import Portfolio
from vpp.jobs import operations as jobs
from vpp.jobs.models import Job
from vpp.lib.errors import Conflict
from vpp.lib.periods import DeliveryDay
from vpp.settlement.models import BaselineProfile, SettlementRun
from vpp.settlement.operations.outcome import compute_outcome
from vpp.settlement.operations.store import store_outcome
from vpp.settlement.queries import day_inputs
from vpp.settlement.queries.corrections import (
    affected_runs,
    changed_readings,
    first_settlement,
    rehanded_runs,
    repriced_runs,
)
from vpp.settlement.queries.rules import pins_of

REVIEW_RUN = "settlement.review_run"


class DayNotClosed(Conflict):
    """The delivery day has not ended."""

    code = "day_not_closed"


class VersionOutOfOrder(Conflict):
    """Version n needs version n - 1."""

    code = "settlement_version_out_of_order"


class MixedCurrencies(Conflict):
    """The awards of one day and portfolio are in several currencies; one run adds up in one."""

    code = "settlement_currency_mixed"


@transaction.atomic
def settle_day(
    *, portfolio_id: int, delivery_date: date, version: int = 1, at: datetime, actor: object = "settlement"
) -> SettlementRun:
    """Settle a closed day as known at `at`; a repeat of a version finds its run and changes nothing.

    The guards look at the run next, in a job of its own: until then its payouts wait. Version 2 and on restate:
    they use the method versions of the run before them and post only differences.
    Raises DayNotClosed, VersionOutOfOrder and MixedCurrencies.
    """
    # one settlement of a portfolio at a time; no key lock, or the control cycle could not write its rows meanwhile
    portfolio = Portfolio.objects.select_for_update(no_key=True).get(pk=portfolio_id)
    runs = SettlementRun.objects.filter(portfolio=portfolio, delivery_date=delivery_date)
    if found := runs.filter(version=version).first():
        return found
    day = DeliveryDay(delivery_date, portfolio.time_zone)
    if at < day.end:
        raise DayNotClosed(f"{delivery_date} ends at {day.end.isoformat()}", ends_at=day.end.isoformat())
    before = runs.order_by("-version").first()
    if version != (before.version if before else 0) + 1:
        raise VersionOutOfOrder(f"version {version} of {delivery_date} does not follow the last one", version=version)
    inputs = day_inputs(portfolio=portfolio, delivery_date=delivery_date, as_of=at, pins=pins_of(before))
    currencies = sorted({award.bid.product.market.currency for award in inputs.awards})
    if len(currencies) > 1:
        raise MixedCurrencies(f"the awards of {delivery_date} are in {', '.join(currencies)}", currencies=currencies)
    run = store_outcome(inputs, compute_outcome(inputs), version=version)
    if any(profile.method == BaselineProfile.Method.X_OF_Y for profile in inputs.profiles):
        jobs.enqueue(kind=REVIEW_RUN, natural_key=f"review:{run.pk}", payload={"run_id": run.pk}, at=at)
    _report_asks(inputs.awards, at=at, actor=actor)
    audit(
        at=at,
        actor=actor,
        action="settlement.settled" if version == 1 else "settlement.restated",
        subject=run,
        after={"revenue": str(run.revenue), "payouts": str(run.payouts), "checksum": run.checksum},
    )
    return run


def _report_asks(awards: list[Award], *, at: datetime, actor: object) -> None:
    """The asks of a settled day are delivered, and their report can be read from now on."""
    for award in awards:
        ask = award.bid.ask
        if ask is not None and ask.state in (Ask.State.COMMITTED, Ask.State.DELIVERED):
            mark_ask(ask=ask, state=Ask.State.DELIVERED, at=at, actor=actor)
            mark_ask(ask=ask, state=Ask.State.REPORTED, at=at, actor=actor)


def enqueue_day(*, delivery_date: date, at: datetime) -> list[Job]:
    """One settlement job per portfolio whose local day is over."""
    return [
        jobs.enqueue(
            kind="settlement.settle_day",
            natural_key=f"settle:{portfolio.code}:{delivery_date}:v1",
            payload={"portfolio_id": portfolio.pk, "delivery_date": delivery_date.isoformat(), "version": 1},
            at=at,
        )
        for portfolio in Portfolio.objects.order_by("code")
        if at >= DeliveryDay(delivery_date, portfolio.time_zone).end
    ]


def restate_changed(
    *, at: datetime, since: datetime | None = None, actor: object = "settlement"
) -> list[SettlementRun]:
    """Restate every run that readings, energy prices, component inputs or changes of hands which became known in
    (since, at] may change; only those are computed.

    Without `since` all changes since the first settlement are looked at. Each run has its own transaction.
    """
    begin = since or first_settlement()
    changed = (*affected_runs(changed_readings(begin, at)), *repriced_runs(begin, at), *rehanded_runs(begin, at))
    runs = {run.pk: run for run in changed}
    return [
        restate_day(portfolio_id=run.portfolio_id, delivery_date=run.delivery_date, at=at, actor=actor)
        for run in sorted(runs.values(), key=lambda run: (run.delivery_date, run.pk))
    ]


def restate_day(*, portfolio_id: int, delivery_date: date, at: datetime, actor: object = "settlement") -> SettlementRun:
    """Settle a day again with what is known now, as its next version."""
    last = (
        SettlementRun.objects.filter(portfolio_id=portfolio_id, delivery_date=delivery_date)
        .order_by("-version")
        .first()
    )
    version = last.version + 1 if last else 1
    return settle_day(portfolio_id=portfolio_id, delivery_date=delivery_date, version=version, at=at, actor=actor)
