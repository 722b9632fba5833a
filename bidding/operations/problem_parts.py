"""Rows as the parts of the optimisation's problem: products, promised reserve, asks, limits of a feeder."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from bidding.kernels.gate import block_of_interval
from bidding.kernels.problem import BOTH, DOWN, UP, AskRequest, EnergyProduct, FeederLimit, ReserveProduct
from bidding.models import Ask, Product
from bidding.operations.admission import Rules
from bidding.operations.order_forms import count_blocks
from bidding.operations.standing import Standing
from bidding.wholesale.queries import OpenProduct
from vpp.lib.periods import DeliveryDay

FloatArray = NDArray[np.float64]
MUST_OFFER_PER_MWH = 3000.0  # under a contract what is reserved is offered, whatever else it could earn
NO_LOT_KW = 1e9  # larger than any fleet, so that nothing more of a closed product is sold


def held_reserves(
    standing: Standing, day: DeliveryDay, for_sale: Sequence[OpenProduct]
) -> tuple[tuple[ReserveProduct, ...], dict[str, FloatArray]]:
    """Reserve that is promised already, by code: of products for sale, or of closed ones with no lot left."""
    offered = {item.product.pk for item in for_sale}
    closed = tuple(
        ReserveProduct(
            code=str(product.pk),
            direction=direction_of(product),
            block_of_interval=block_of_interval(day, product.block_minutes),
            price_eur_per_mw_h=np.zeros(count_blocks(product, day)),
            min_quantity_kw=NO_LOT_KW,
            lot_kw=NO_LOT_KW,
            endurance_h=product.endurance_minutes / 60.0,
            activation_pu=product.activation_pu,
        )
        for pk, product in standing.products.items()
        if pk not in offered
    )
    codes = {pk: product.code if pk in offered else str(pk) for pk, product in standing.products.items()}
    return closed, {codes[pk]: series for pk, series in standing.reserve_kw.items()}


def direction_of(product: Product) -> str:
    if product.is_symmetric:
        return BOTH
    return UP if product.kind == Product.Kind.RESERVE_UP else DOWN


def energy_product(item: OpenProduct, rules: Rules) -> EnergyProduct:
    product = item.product
    return EnergyProduct(
        code=product.code,
        block_of_interval=item.block_of_interval,
        price_eur_per_mwh=item.price,
        min_quantity_kw=product.min_quantity_kw,
        lot_kw=product.lot_kw,
        most_kw=rules.most_kw,
        barred=rules.barred,
        stairs=_stairs(product),
        sell_only=product.consumption_only,
        must_offer_kw=item.must_offer_kw,
    )


def _stairs(product: Product) -> tuple[tuple[float, float], ...]:
    """The stored residual demand; a price taker's is empty."""
    return tuple((float(kw), float(change)) for kw, change in product.residual_demand or ())


def reserve_product(item: OpenProduct, rules: Rules) -> ReserveProduct:
    product = item.product
    return ReserveProduct(
        code=product.code,
        direction=direction_of(product),
        block_of_interval=item.block_of_interval,
        price_eur_per_mw_h=item.price,
        min_quantity_kw=product.min_quantity_kw,
        lot_kw=product.lot_kw,
        endurance_h=product.endurance_minutes / 60.0,
        activation_pu=product.activation_pu,
        most_kw=rules.most_kw,
        barred=rules.barred,
        stairs=_stairs(product),
        must_offer_kw=item.must_offer_kw,
    )


def ask_request(ask: Ask, quantity_kw: FloatArray, lot_kw: float, min_kw: float) -> AskRequest:
    return AskRequest(
        reference=str(ask.pk),
        direction=ask.direction,
        feeder=ask.congestion_point.feeder.code,
        quantity_kw=quantity_kw,
        ceiling_eur_per_mwh=max(ask.ceiling_price_per_mwh, MUST_OFFER_PER_MWH if ask.contract_id else 0.0),
        min_quantity_kw=min_kw,
        lot_kw=lot_kw,
    )


def feeder_limit(code: str, day: DeliveryDay, known_at: datetime, notes: list[str]) -> FeederLimit:
    """Limits of the feeder's head and its forecast net load; without a forecast the load counts as zero, and
    is noted.
    """
    from forecasting import queries as forecasts
    from vpp.network.queries import feeder_limits

    limits = feeder_limits(code, day)
    base_kw = np.zeros(day.n_intervals)
    if np.isfinite(limits.import_limit_kw).any() or np.isfinite(limits.export_limit_kw).any():
        nodes = forecasts.node_injections_kw(code, day.date, known_at)
        if nodes:
            base_kw = np.sum([np.asarray(series, dtype=np.float64) for series in nodes.values()], axis=0)
        else:
            notes.append(f"feeder {code}: no forecast of its net load")
    return FeederLimit(code, base_kw, limits.import_limit_kw, limits.export_limit_kw)
