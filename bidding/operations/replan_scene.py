"""What a new plan starts from: the products that are before their gates, and the bids that may be given up."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from bidding.errors import NoMarkets
from bidding.models import Bid, NightlyRun
from bidding.operations.drafts import day_of, gate_of
from bidding.operations.nightly import PORTFOLIO_BUDGET_S, NightlyContext
from bidding.operations.replan_choice import Choice
from bidding.wholesale.obligations import still_owed
from bidding.wholesale.queries import OpenProduct, open_product, wholesale_products
from vpp.enrollment.models import Portfolio

CHANGEABLE = (Bid.State.CHECKED, Bid.State.SUBMITTED, Bid.State.ACKNOWLEDGED)
TURNED_DOWN = (Bid.State.NOT_CLEARED, Bid.State.REJECTED, Bid.State.EXPIRED, Bid.State.CANCELLED)


@dataclass
class Scene:
    """One new plan in the making; `offers` are what is before its gate, `live` its bids that may be changed."""

    context: NightlyContext
    portfolio: Portfolio
    why: str
    event_id: int
    offers: list[OpenProduct] = field(default_factory=list)
    live: list[Bid] = field(default_factory=list)
    choice: Choice | None = None


def scene_of(portfolio: Portfolio, delivery_date: date, prefix: str, event_id: int, why: str, at: datetime) -> Scene:
    """Raises NoMarkets."""
    products = wholesale_products(portfolio.zone_code, delivery_date)
    if not products:
        raise NoMarkets(f"zone {portfolio.zone_code} has no wholesale product on {delivery_date} any more")
    day = day_of(products[0], delivery_date)
    gates = [gate_of(product, day) for product in products]
    run = NightlyRun.objects.create(
        natural_key=f"{prefix}{event_id}",
        zone_code=portfolio.zone_code,
        delivery_date=delivery_date,
        gate_at=min((gate for gate in gates if gate > at), default=max(gates)),
        data_as_of=at,
        started_at=at,
    )
    context = NightlyContext(run=run, day=day, at=at, budget_s=PORTFOLIO_BUDGET_S, portfolios=[portfolio])
    scene = Scene(context, portfolio, why, event_id)
    mine = Bid.objects.filter(portfolio=portfolio, delivery_date=delivery_date, ask=None)
    live = {bid.product_id: bid for bid in mine.filter(state__in=Bid.LIVE_STATES).select_related("product__market")}
    turned_down = set(mine.filter(state__in=TURNED_DOWN).values_list("product_id", flat=True))
    for product, gate in zip(products, gates, strict=True):
        bid = live.get(product.pk)
        if gate <= at or (bid is None and product.pk in turned_down) or (bid is not None and not _ours(bid)):
            continue
        offer = open_product(product, delivery_date, at)
        if offer is not None:
            scene.offers.append(offer)
            scene.live += [] if bid is None else [bid]
    scene.offers = still_owed(scene.offers, but=portfolio)
    return scene


def _ours(bid: Bid) -> bool:
    """May be replaced: not awarded, not held, and not an operator's own."""
    return bid.state in CHANGEABLE and bid.solver.get("engine") != "operator"
