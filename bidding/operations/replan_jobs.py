"""When a plan has to be made again: a bid that was not taken as it was sent leaves capacity and changes the day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from vpp.jobs import operations as jobs

if TYPE_CHECKING:
    from bidding.models import Award, Bid, PlannedDay

REPLAN = "bidding.replan"  # kind of job
SETTLE_DOWN = timedelta(seconds=5)  # results of one market come in one after the other
TOLERANCE_KW = 1e-3


def after_award(bid: Bid, award: Award | None, *, at: datetime, what: str = "") -> None:
    """Ask for a new plan where less was taken than the bid offered, and it makes a difference.

    It does where a later gate can use what is free again, or where the plan counted on another quantity.
    """
    from bidding.operations.drafts import day_of

    up_kw, down_kw = (award.up_kw, award.down_kw) if award else ([0.0] * len(bid.up_kw),) * 2
    less_kw = sum(_less(bid.up_kw, up_kw)) + sum(_less(bid.down_kw, down_kw))  # over all intervals
    planned = _plan_of(bid)
    if planned is None or less_kw <= TOLERANCE_KW:
        return
    if _counted_on(planned, bid, up_kw, down_kw) and not gates_ahead(bid.portfolio.zone_code, bid.delivery_date, at):
        return
    what = what or _taken(bid, award)
    free_kwh = less_kw * day_of(bid.product, bid.delivery_date).hours_per_interval
    _ask(bid, f"{what}: {free_kwh:.1f} kWh are free again", at=at)


def after_end(bid: Bid, reason: str, *, at: datetime) -> None:
    """Ask for a new plan after a bid was rejected or expired."""
    if _plan_of(bid) is not None and (any(bid.up_kw) or any(bid.down_kw)):
        why = f"{bid} has ended as {bid.state}: {reason}" if reason else f"{bid} has ended as {bid.state}"
        _ask(bid, why, at=at)


def _taken(bid: Bid, award: Award | None) -> str:
    return f"{award} takes less than {bid} offers" if award else f"{bid} was not cleared"


def gates_ahead(zone_code: str, delivery_date: date, at: datetime) -> bool:
    from bidding.operations.drafts import day_of, gate_of
    from bidding.wholesale.queries import wholesale_products

    products = wholesale_products(zone_code, delivery_date)
    return any(gate_of(product, day_of(product, delivery_date)) > at for product in products)


def _ask(bid: Bid, why: str, *, at: datetime) -> None:
    """One job a step of a bid; one that comes while another waits is answered by the same plan."""
    from bidding.operations.drafts import day_of

    end = day_of(bid.product, bid.delivery_date).end
    if at >= end:
        return
    event_id = bid.events.latest("pk").pk
    jobs.enqueue(
        kind=REPLAN,
        natural_key=f"{REPLAN}:{event_id}",
        payload={
            "portfolio_id": bid.portfolio_id,
            "delivery_date": bid.delivery_date.isoformat(),
            "event_id": event_id,
            "why": why[:500],
        },
        at=at,
        deadline=end,
        delay=SETTLE_DOWN,
    )


def _plan_of(bid: Bid) -> PlannedDay | None:
    from bidding.models import PlannedDay

    found = PlannedDay.objects.filter(portfolio=bid.portfolio_id, run__delivery_date=bid.delivery_date)
    return found.order_by("-pk").first()


def _less(offered: Sequence[float], taken: Sequence[float]) -> list[float]:
    return [max(had - got, 0.0) for had, got in zip(offered, taken, strict=True)]


def _counted_on(planned: PlannedDay, bid: Bid, up_kw: Sequence[float], down_kw: Sequence[float]) -> bool:
    """Whether the plan expects just this outcome (of a curve, its step at the expected price)."""
    from bidding.models import Product

    positions, zero = planned.positions, [0.0] * len(up_kw)
    if bid.ask_id is not None:
        expected = positions.get("ask_kw", {}).get(str(bid.ask_id), zero)
        taken = np.add(up_kw, down_kw)
    elif bid.product.kind == Product.Kind.ENERGY:
        expected = np.subtract(positions["sell_kw"], positions["buy_kw"])
        taken = np.subtract(up_kw, down_kw)
    else:
        expected = positions["reserve_kw"].get(bid.product.code, zero)
        taken = np.maximum(up_kw, down_kw)
    return bool(np.allclose(expected, taken, atol=TOLERANCE_KW))
