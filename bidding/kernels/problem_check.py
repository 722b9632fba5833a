"""Every place where a bid problem contradicts itself."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bidding.kernels.problem import BOTH, DOWN, UP, BidProblem, EnergyProduct, FlexGroup, FloatArray, ReserveProduct


def findings_of(problem: BidProblem) -> Iterator[str]:
    count = problem.n_intervals
    yield from _series(count, "book_down_kw", problem.book_down_kw)
    yield from _series(count, "book_up_kw", problem.book_up_kw)
    yield from _series(count, "committed_net_up_kw", problem.committed_net_up_kw, signed=True)
    yield from _series(count, "imbalance_price", problem.imbalance_price_eur_per_mwh, signed=True)
    if problem.imbalance_spread_eur_per_mwh <= 0:
        yield "imbalance_spread must be positive, else deviations trade for free"
    for group in problem.groups:
        yield from _group_findings(group, count)
    for product in problem.products:
        yield from _product_findings(product, count)
    for ask in problem.asks:
        yield from _series(count, f"ask {ask.reference} quantity_kw", ask.quantity_kw)
        if ask.direction not in (UP, DOWN):
            yield f"ask {ask.reference}: direction {ask.direction!r}"


def _group_findings(group: FlexGroup, count: int) -> Iterator[str]:
    yield from _series(count, f"group {group.name} up_limit_kw", group.up_limit_kw)
    yield from _series(count, f"group {group.name} down_limit_kw", group.down_limit_kw)
    for name, value in (("charge", group.charge_efficiency), ("discharge", group.discharge_efficiency)):
        if not 0 < value <= 1:
            yield f"group {group.name}: {name}_efficiency {value} is not in (0, 1]"
    if (group.energy_min_kwh is None) != (group.energy_max_kwh is None):
        yield f"group {group.name}: one energy bound without the other"
    elif group.energy_min_kwh is not None and group.energy_max_kwh is not None:
        yield from _series(count, f"group {group.name} energy_min_kwh", group.energy_min_kwh, signed=True)
        yield from _series(count, f"group {group.name} energy_max_kwh", group.energy_max_kwh, signed=True)
        if group.energy_min_kwh.size == group.energy_max_kwh.size and np.any(
            group.energy_min_kwh > group.energy_max_kwh + 1e-9
        ):
            yield f"group {group.name}: energy limits cross"


def _product_findings(product: EnergyProduct | ReserveProduct, count: int) -> Iterator[str]:
    price = product.price_eur_per_mwh if isinstance(product, EnergyProduct) else product.price_eur_per_mw_h
    blocks = product.block_of_interval
    if blocks.shape != (count,) or (count and int(blocks.max()) + 1 != price.size):
        yield f"product {product.code}: {price.size} prices do not match its blocks"
    if not np.all(np.isfinite(price)):
        yield f"product {product.code}: a price is missing"
    if product.must_offer_kw is not None:
        yield from _series(count, f"product {product.code} must_offer_kw", product.must_offer_kw)
    if product.lot_kw <= 0 or product.min_quantity_kw < 0:
        yield f"product {product.code}: lot {product.lot_kw}, minimum {product.min_quantity_kw}"
    if isinstance(product, ReserveProduct) and product.direction not in (UP, DOWN, BOTH):
        yield f"product {product.code}: direction {product.direction!r}"


def _series(count: int, name: str, values: FloatArray, *, signed: bool = False) -> Iterator[str]:
    if values.shape != (count,):
        yield f"{name} has shape {values.shape}, want ({count},)"
    elif not np.all(np.isfinite(values)):
        yield f"{name} has missing values"
    elif not signed and np.any(values < 0):
        yield f"{name} is negative somewhere"
