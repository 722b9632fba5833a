"""The nightly run of a zone: data check, forecast, fallback, optimise, check, submit.

Every step leaves rows under natural keys, so a run that was killed anywhere is taken up where it stopped and no bid is
made twice. A safe bid is stored for every portfolio before the first optimisation starts.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from bidding.errors import GatePassed, NoMarkets
from bidding.models import NightlyRun, NightlyStep, Product
from bidding.operations.bids import expire_bids
from bidding.operations.drafts import day_of, gate_of
from bidding.wholesale.queries import OpenProduct, ask_product, open_product, wholesale_products
from vpp.enrollment.models import Portfolio
from vpp.enrollment.queries import portfolios_of_zone
from vpp.lib.periods import DeliveryDay

logger = logging.getLogger(__name__)
BUDGET_S = 300.0
PORTFOLIO_BUDGET_S = 30.0


@dataclass
class NightlyContext:
    """What the steps of one run share."""

    run: NightlyRun
    day: DeliveryDay
    at: datetime
    budget_s: float
    portfolios: list[Portfolio]
    products: list[OpenProduct] = field(default_factory=list)
    ask_product: Product | None = None

    @property
    def known_at(self) -> datetime:
        return self.run.data_as_of


def nightly(*, zone_code: str, delivery_date: date, at: datetime, budget_s: float = BUDGET_S) -> NightlyRun:
    """Forecast if needed and bid for every portfolio of the zone. Safe to call again at any time.

    Raises NoMarkets where the zone has no products, GatePassed where every gate is closed and nothing was begun.
    """
    from bidding.operations import nightly_steps as steps

    run, context = begin(zone_code, delivery_date, at, budget_s)
    if run.state != NightlyRun.State.RUNNING:
        return run
    for name, work in (*prepared(), ("submit", steps.submit)):
        run_step(context, name, work)
    states = set(run.steps.values_list("state", flat=True))
    run.state = NightlyRun.State.DEGRADED if NightlyStep.State.DEGRADED in states else NightlyRun.State.DONE
    run.finished_at = at
    run.save(update_fields=["state", "finished_at"])
    return run


def prepared() -> tuple[tuple[str, Callable[[NightlyContext], dict[str, Any]]], ...]:
    """The steps before anything leaves the house; looked up anew, so that each may be replaced."""
    from bidding.operations import nightly_steps as steps

    return (
        ("data", steps.check_data),
        ("forecast", steps.make_forecast),
        ("fallback", steps.prepare_fallbacks),
        ("optimise", steps.optimise),
        ("check", steps.make_bids),
    )


def begin(
    zone_code: str, delivery_date: date, at: datetime, budget_s: float, *, prefix: str = "nightly"
) -> tuple[NightlyRun, NightlyContext]:
    """The run of a zone's day, begun now or before, and what its steps share. Raises NoMarkets or GatePassed."""
    from bidding.distribution.operations import expire_asks

    expire_asks(at=at)
    expire_bids(at=at)
    products = wholesale_products(zone_code, delivery_date)
    if not products:
        raise NoMarkets(f"zone {zone_code} has no wholesale product on {delivery_date}; import_markets brings them")
    offers = [open_product(product, delivery_date, at) for product in products]
    run = _run_of(f"{prefix}:{zone_code}:{delivery_date}", zone_code, delivery_date, products, at)
    if run.data_as_of != at:
        offers = [open_product(product, delivery_date, run.data_as_of) for product in products]
    context = NightlyContext(
        run=run,
        day=day_of(products[0], delivery_date),
        at=at,
        budget_s=budget_s,
        portfolios=portfolios_of_zone(zone_code),
        products=[offer for offer in offers if offer is not None],
        ask_product=ask_product(zone_code, delivery_date),
    )
    return run, context


def _run_of(key: str, zone_code: str, delivery_date: date, products: Sequence[Product], at: datetime) -> NightlyRun:
    """The run under this key; a new one while a gate is open, else GatePassed."""
    found = NightlyRun.objects.filter(natural_key=key).first()
    if found is not None:
        return found
    gates = [gate_of(product, day_of(product, delivery_date)) for product in products]
    if at >= max(gates):
        raise GatePassed(f"all gates of {delivery_date} are closed since {max(gates).isoformat()}")
    run, _ = NightlyRun.objects.get_or_create(
        natural_key=key,
        defaults={
            "zone_code": zone_code,
            "delivery_date": delivery_date,
            "gate_at": min(gates),
            "data_as_of": at,
            "started_at": at,
        },
    )
    return run


def run_step(context: NightlyContext, name: str, work: Callable[[NightlyContext], dict[str, Any]]) -> None:
    """Do a step unless it is done; its row says when, how long and what was found."""
    step, _ = NightlyStep.objects.get_or_create(run=context.run, name=name, defaults={"started_at": context.at})
    if step.state in (NightlyStep.State.DONE, NightlyStep.State.DEGRADED):
        return
    began = time.perf_counter()
    detail = work(context)
    step.duration_s = round(time.perf_counter() - began, 3)
    step.finished_at = context.at
    step.detail = detail
    step.state = NightlyStep.State.DEGRADED if detail.get("findings") else NightlyStep.State.DONE
    step.save(update_fields=["duration_s", "finished_at", "detail", "state"])
    logger.info(
        "nightly %s: %s in %.2f s", context.run, name, step.duration_s, extra={"trace": context.run.natural_key}
    )
