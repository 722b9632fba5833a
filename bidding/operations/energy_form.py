"""The form in which a portfolio's energy goes to market: curves around a firm plan, or an exclusive group of blocks.

Where a zone takes both, a portfolio uses one of them a day: hours of a storage belong together, and a block that is
taken beside an unknown part of a curve could not be delivered. The form that gains more over the price scenarios wins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bidding.models import Product
from bidding.operations.gather import Gathered
from bidding.operations.offering import curves_of
from bidding.wholesale.queries import OpenProduct

if TYPE_CHECKING:
    from bidding.kernels.block_group import BlockOrder
    from bidding.kernels.plan import BidPlan
    from bidding.kernels.solver import SolverOptions

FloatArray = NDArray[np.float64]
WORTH_SWITCHING_PU = 0.02  # blocks instead of a curve, which gains a little that is not counted here


@dataclass(frozen=True)
class Offered:
    """A plan and what it is offered as; profit counts what blocks are expected to gain."""

    plan: BidPlan
    gathered: Gathered
    profit: float
    curves: dict[str, list[Any]] = field(default_factory=dict)
    blocks: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def at_most(self) -> BidPlan:
        """The plan with all that blocks may take as if it were sold and bought: what the risk is counted on."""
        if not self.blocks:
            return self.plan
        from bidding.kernels.block_check import extremes_of_group

        up_kw, down_kw = extremes_of_group(next(iter(self.blocks.values())))
        return replace(self.plan, sell_kw=np.array(up_kw), buy_kw=np.array(down_kw))

    def form(self) -> dict[str, Any]:
        """What of the form is stored with the positions."""
        return {"curves": self.curves, "blocks": self.blocks, "energy_product": self.gathered.energy_product_id}


def in_best_form(
    gather_with: Callable[[Sequence[OpenProduct]], Gathered],
    offers: Sequence[OpenProduct],
    solved: Callable[[Gathered], BidPlan],
    options: SolverOptions,
) -> Offered:
    """The plan in the better of the forms that the market takes. Raises SolverFailed or BadProblem."""
    energy = [offer for offer in offers if offer.product.kind == Product.Kind.ENERGY]
    others = [offer for offer in offers if offer.product.kind != Product.Kind.ENERGY]
    block_offer = next((offer for offer in energy if _takes_blocks(offer.product)), None)
    plain = [offer for offer in energy if not _takes_blocks(offer.product)]
    if any(_owes(offer) for offer in plain):
        block_offer = None  # what a capacity obligation wants is offered in the product that has it
    gathered = gather_with([*plain, *others])
    plan = solved(gathered)
    first = Offered(plan, gathered, _expected(plan))
    if block_offer is not None:
        second = _as_blocks(gather_with([block_offer, *others]), block_offer, solved, options)
        better = first.profit + WORTH_SWITCHING_PU * abs(first.profit) * bool(plain)
        if second is not None and (second.profit > better or _owes(block_offer)):
            first = second
    curves = curves_of(first.gathered, first.plan, list(offers), options)
    return replace(first, curves=curves)


def _owes(offer: OpenProduct) -> bool:
    return offer.must_offer_kw is not None and bool(offer.must_offer_kw.any())


def _takes_blocks(product: Product) -> bool:
    return product.order_form == Product.OrderForm.BLOCKS


def _as_blocks(
    gathered: Gathered, offer: OpenProduct, solved: Callable[[Gathered], BidPlan], options: SolverOptions
) -> Offered | None:
    """The best group of blocks; None where no block is worth sending.

    What else is promised beside them is tried two ways: as if there were no energy market (reserves take what they
    want), and as the plan has it that trades energy and reserves together.
    """
    from bidding.kernels.block_group import BlockRules, expected_gain
    from bidding.kernels.block_orders import exclusive_group, without_energy
    from bidding.kernels.solver import SolverFailed

    product = offer.product
    scenarios = offer.scenarios if offer.scenarios.size else offer.price[None, :]
    hours = np.bincount(offer.block_of_interval).astype(np.float64) * gathered.problem.step_hours
    rules = BlockRules(
        most=product.max_points, loops=product.loop_blocks, floor=product.price_floor, cap=product.price_cap,
        tick=float(product.tick), most_kw=_most_kw(product),
    )  # fmt: skip
    gathered = _taking_prices(gathered)
    alone = replace(gathered, problem=without_energy(gathered.problem))
    best: Offered | None = None
    for base in (alone, gathered) if gathered.problem.reserves else (alone,):
        try:
            group = exclusive_group(gathered.problem, solved(base), scenarios, rules, options)
        except SolverFailed:
            continue
        if group is None or not group.orders:
            continue
        profit = group.idle.profit_eur + expected_gain(group.orders, scenarios, hours)
        if best is None or profit > best.profit:
            rows = [_row(order, offer.block_of_interval) for order in group.orders]
            best = Offered(group.idle, gathered, profit, blocks={str(product.pk): rows})
    return best


def _taking_prices(gathered: Gathered) -> Gathered:
    """Without the energy's residual demand: what a block clears at holds its own effect on the price already. Nor with
    its capacity obligation: what the largest block leaves of that is counted afterwards.
    """
    energy = gathered.problem.energy
    if energy is None:
        return gathered
    plain = replace(energy, stairs=(), must_offer_kw=None)
    return replace(gathered, problem=replace(gathered.problem, energy=plain))


def _expected(plan: BidPlan) -> float:
    return plan.profit_eur if plan.expected_eur is None else plan.expected_eur


def _most_kw(product: Product) -> float:
    return float("inf") if product.max_quantity_kw is None else product.max_quantity_kw


def _row(order: BlockOrder, blocks: NDArray[np.int64]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": order.name, "price_per_mwh": order.price, "up_kw": order.up_kw[blocks].tolist(),
        "down_kw": order.down_kw[blocks].tolist(),
    }  # fmt: skip
    return row if order.buy_price is None else row | {"buy_price_per_mwh": order.buy_price}
