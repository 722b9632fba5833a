"""What a portfolio stands for on a day, and whether its devices can deliver all of it together.

The commitment book adds up kilowatts by direction. This check goes further: every live bid and award is put into the
optimisation's own problem as already promised, and what its rows then cannot meet (energy, endurance, feeder) is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bidding.models import Bid, Product
from vpp.enrollment.models import Portfolio
from vpp.lib.periods import DeliveryDay

FloatArray = NDArray[np.float64]
RESERVES = (Product.Kind.RESERVE_UP, Product.Kind.RESERVE_DOWN)
TOLERANCE_KW = 0.5


@dataclass(frozen=True)
class Claim:
    """A promise in arrays (H,): what of it is net movement and what is held as reserve."""

    product: Product
    up_kw: Sequence[float] | FloatArray
    down_kw: Sequence[float] | FloatArray


@dataclass
class Standing:
    """net_up_kw (H,): energy and asks, up positive; reserve_kw: held capacity by product."""

    net_up_kw: FloatArray
    reserve_kw: dict[int, FloatArray] = field(default_factory=dict)
    products: dict[int, Product] = field(default_factory=dict)

    def add(self, claim: Claim) -> None:
        up_kw, down_kw = np.asarray(claim.up_kw, dtype=np.float64), np.asarray(claim.down_kw, dtype=np.float64)
        if claim.product.kind not in RESERVES:
            self.net_up_kw = self.net_up_kw + up_kw - down_kw
            return
        pk = claim.product.pk
        held = np.maximum(up_kw, down_kw) if claim.product.is_symmetric else up_kw + down_kw
        self.products[pk] = claim.product
        self.reserve_kw[pk] = self.reserve_kw.get(pk, np.zeros(held.size)) + held

    def idle(self) -> NDArray[np.bool_]:
        """(H,) where nothing is promised."""
        held = [series > 0 for series in self.reserve_kw.values()]
        return ~np.any([self.net_up_kw != 0, *held], axis=0)


def standing_of(
    portfolio: Portfolio,
    day: DeliveryDay,
    *,
    leave_out: Iterable[int] = (),
    expected_price: Mapping[int, FloatArray] | None = None,
) -> Standing:
    """Every live bid and award of the day but those of `leave_out` (bid ids).

    expected_price : (H,) by product; a curve counts there with what it sells at that price, else with its extremes.
    """
    standing, expected_price = Standing(np.zeros(day.n_intervals)), expected_price or {}
    live = Bid.objects.filter(portfolio=portfolio, delivery_date=day.date, state__in=Bid.LIVE_STATES)
    for bid in live.exclude(pk__in=list(leave_out)).select_related("product__market", "award").order_by("pk"):
        holder = bid.award or bid
        if bid.blocks and bid.award is None and bid.product_id not in expected_price:
            largest = max(bid.blocks, key=lambda block: sum(block["up_kw"]) + sum(block["down_kw"]))
            standing.add(Claim(bid.product, largest["up_kw"], largest["down_kw"]))
        elif bid.award is not None or bid.product_id not in expected_price:
            standing.add(Claim(bid.product, holder.up_kw, holder.down_kw))
        else:
            standing.add(Claim(bid.product, *expected_kw(bid, day, expected_price[bid.product_id])))
    return standing


def expected_kw(bid: Bid, day: DeliveryDay, price: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(H,) up and down that the bid comes to at these prices (H,); all of it where it is one quantity."""
    from bidding.kernels.curve import quantity_at
    from bidding.kernels.gate import block_of_interval
    from bidding.kernels.linear_curve import quantity_on_line

    if bid.blocks:
        best = max(bid.blocks, key=lambda block: block_surplus(block, price))
        taken = best if block_surplus(best, price) > 0 else {"up_kw": [0.0] * price.size, "down_kw": [0.0] * price.size}
        return np.asarray(taken["up_kw"], dtype=np.float64), np.asarray(taken["down_kw"], dtype=np.float64)
    if bid.curve is None:
        return np.asarray(bid.up_kw, dtype=np.float64), np.asarray(bid.down_kw, dtype=np.float64)
    blocks = block_of_interval(day, bid.product.block_minutes)
    is_line = bid.product.order_form == Product.OrderForm.LINEAR and bid.product.kind == Product.Kind.ENERGY
    quantity = quantity_on_line if is_line else quantity_at
    at_price = [quantity(bid.curve[block], float(price[t])) for t, block in enumerate(blocks)]
    up_kw, down_kw = np.maximum(at_price, 0.0), np.maximum(np.negative(at_price), 0.0)
    if bid.product.kind == Product.Kind.RESERVE_DOWN:
        return down_kw, up_kw
    return (up_kw, up_kw) if bid.product.is_symmetric else (up_kw, down_kw)


def block_surplus(block: Mapping[str, Any], price: FloatArray) -> float:
    """What taking the block at these prices (H,) gains above its limits, kW times price, summed over the intervals."""
    up_kw, down_kw = np.asarray(block["up_kw"]), np.asarray(block["down_kw"])
    buys = block.get("buy_price_per_mwh", block["price_per_mwh"])
    return float(((price - block["price_per_mwh"]) * up_kw).sum() + ((buys - price) * down_kw).sum())


def shortfalls_kw(
    portfolio: Portfolio, day: DeliveryDay, standing: Standing, known_at: datetime
) -> Mapping[str, float]:
    """By limit, the largest part in kW (kWh for energy) that the devices cannot meet; empty when all is deliverable.

    Raises SolverFailed or BadProblem.
    """
    from bidding.kernels.deliverable import missing
    from bidding.operations.gather import gather

    gathered = gather(
        portfolio=portfolio, day=day, products=[], asks={}, ask_lot_kw=1.0, ask_min_kw=1.0, known_at=known_at,
        standing=standing,
    )  # fmt: skip
    return {limit: value for limit, value in missing(gathered.problem).items() if value > TOLERANCE_KW}
