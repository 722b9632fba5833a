"""From an optimised plan to what is offered: curves, own prices, and the risk of falling short."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from bidding.kernels.problem import DOWN, UP, FloatArray
from bidding.models import Product
from bidding.operations.gather import Gathered
from bidding.wholesale.queries import OpenProduct

if TYPE_CHECKING:
    from bidding.kernels.plan import BidPlan
    from bidding.kernels.problem import BidProblem
    from bidding.kernels.solver import SolverOptions

logger = logging.getLogger(__name__)
CURVES = (Product.OrderForm.STEPS, Product.OrderForm.LINEAR)


def curves_of(
    gathered: Gathered, plan: BidPlan, offers: list[OpenProduct], options: SolverOptions
) -> dict[str, list[Any]]:
    """Curves by product id, where the market takes them and there is more to say than one quantity."""
    from bidding.kernels.solver import SolverFailed

    try:
        return _curves_of(gathered, plan, offers, options)
    except SolverFailed as error:  # the plan stands; it is offered as quantities
        logger.warning("no curves for %s: %s", gathered.portfolio, error)
        return {}


def _curves_of(
    gathered: Gathered, plan: BidPlan, offers: list[OpenProduct], options: SolverOptions
) -> dict[str, list[Any]]:
    from bidding.kernels.reserve_curves import cheap_reserve_lots, reserve_curve

    sold = {item.code for item in gathered.problem.reserves}
    wanted = [
        offer
        for offer in offers
        if offer.product.order_form in CURVES
        and offer.product.max_points > 1
        and (offer.product.pk == gathered.energy_product_id or offer.product.code in sold)
    ]
    reserves = [offer for offer in wanted if offer.product.kind != Product.Kind.ENERGY]
    cheap = cheap_reserve_lots(gathered.problem, plan, options) if reserves else {}
    found: dict[str, list[Any]] = {}
    for offer in wanted:
        product = offer.product
        if product.kind == Product.Kind.ENERGY:
            curve = _energy_curve(gathered, plan, offer, options)
        else:
            first = np.unique(offer.block_of_interval, return_index=True)[1]
            full = np.round(plan.reserve_kw[product.code][first] / product.lot_kw)
            curve = reserve_curve(
                full, cheap[product.code], offer.price, lot_kw=product.lot_kw, min_kw=product.min_quantity_kw,
                **_limits(product),
            )  # fmt: skip
        if curve is not None and any(curve):
            found[str(product.pk)] = curve
    return found


def _energy_curve(gathered: Gathered, plan: BidPlan, offer: OpenProduct, options: SolverOptions) -> list[Any] | None:
    """Steps around the firm position, or the line through them where the market wants one."""
    from bidding.kernels.linear_curve import line_of_steps
    from bidding.kernels.offer_curves import energy_curve

    product, limits = offer.product, _limits(offer.product)
    curve = energy_curve(gathered.problem, plan, offer.scenarios, options, **limits)
    if curve is None or product.order_form != Product.OrderForm.LINEAR:
        return curve
    return [line_of_steps(steps, max_points=product.max_points, **limits) for steps in curve]


def _limits(product: Product) -> dict[str, float]:
    return {"floor": product.price_floor, "cap": product.price_cap, "tick": float(product.tick)}


def risk_of(gathered: Gathered, plan: BidPlan, confidence: float) -> dict[str, Any]:
    """By direction the chance and size of falling short with everything offered; empty without scenarios."""
    from bidding.kernels.shortfall import shortfall_risk
    from forecasting import queries as forecasts

    if gathered.forecast_run is None:
        return {}
    try:
        drawn = forecasts.scenarios(gathered.forecast_run)
    except forecasts.NoForecast:
        return {}
    problem = gathered.problem
    if drawn.power_kw.shape[1] != problem.n_intervals:
        return {}
    risk: dict[str, Any] = {"confidence": confidence}
    for direction in (UP, DOWN):
        storage_kw, load_kw = _rooms_kw(problem, direction)
        offered_kw = _offered_kw(problem, plan, direction)
        risk[direction.lower()] = shortfall_risk(
            offered_kw, storage_kw, load_kw, drawn.power_kw, drawn.probability, step_hours=problem.step_hours
        )
    return risk


def _rooms_kw(problem: BidProblem, direction: str) -> tuple[FloatArray, FloatArray]:
    """(H,) all that storages and loads can move one way, the share that may be offered undone."""
    from bidding.kernels.aggregate import DELIVERABLE_PU

    storage_kw, load_kw = np.zeros(problem.n_intervals), np.zeros(problem.n_intervals)
    for group in problem.groups:
        limit_kw = group.up_limit_kw if direction == UP else group.down_limit_kw
        kind = next((kind for kind in DELIVERABLE_PU if f"/{kind}" in group.name), "")
        if kind == "BATTERY":
            storage_kw += limit_kw / DELIVERABLE_PU[kind]
        else:
            load_kw += limit_kw / DELIVERABLE_PU.get(kind, 1.0)
    return storage_kw, load_kw


def _offered_kw(problem: BidProblem, plan: BidPlan, direction: str) -> FloatArray:
    """(H,) of energy, reserves and asks together."""
    offered_kw = plan.sell_kw if direction == UP else plan.buy_kw
    for item in problem.reserves:
        if item.covers(direction):
            offered_kw = offered_kw + plan.reserve_kw[item.code]
    for ask in problem.asks:
        if ask.direction == direction:
            offered_kw = offered_kw + plan.ask_kw[ask.reference]
    return offered_kw
