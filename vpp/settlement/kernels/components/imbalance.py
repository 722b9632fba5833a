"""Imbalance at one or two prices, uninstructed deviation, and energy with its thresholds and losses."""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from vpp.settlement.kernels.answers import FloatArray
from vpp.settlement.kernels.value import Prices, priced, settled_kwh


def imbalance_single(position_kw: FloatArray, scheduled_kw: FloatArray, prices: Prices, step_minutes: int) -> Decimal:
    """(metered - scheduled) x price, unrounded; generation positive, a surplus earns, a shortage pays.

    position_kw  : (H,) metered net position of the perimeter; NaN raises ValueError.
    scheduled_kw : (H,) its schedule, shifted by delivered flexibility.
    """
    return priced(settled_kwh(_gap(position_kw, scheduled_kw), step_minutes), prices)


def imbalance_dual(
    position_kw: FloatArray, scheduled_kw: FloatArray, sell_prices: Prices, buy_prices: Prices, step_minutes: int
) -> Decimal:
    """Surplus x sell price, shortage x buy price, unrounded; generation positive."""
    gap = _gap(position_kw, scheduled_kw)
    surplus = priced(settled_kwh(np.maximum(gap, 0.0), step_minutes), sell_prices)
    return surplus - priced(settled_kwh(np.maximum(-gap, 0.0), step_minutes), buy_prices)


def _gap(position_kw: FloatArray, scheduled_kw: FloatArray) -> FloatArray:
    gap = position_kw - scheduled_kw
    if np.isnan(gap).any():
        raise ValueError("an imbalance needs every reading of the perimeter")
    return gap


def uninstructed_deviation(
    actual_kw: FloatArray,
    setpoint_kw: FloatArray,
    prices: Prices,
    step_minutes: int,
    *,
    band_kw: float = 5000.0,
    band_pu: float = 0.03,
    factor: Decimal = Decimal(1),
) -> Decimal:
    """Charge, unrounded, not negative at prices above zero: what lies outside max(a kW, b of the setpoint), times the
    price and a factor; inside the band nothing. A missing reading is charged in full, as if it stood at zero."""
    band = np.maximum(band_kw, band_pu * np.abs(setpoint_kw))
    excess = np.maximum(np.abs(np.nan_to_num(actual_kw, nan=0.0) - setpoint_kw) - band, 0.0)
    return priced(settled_kwh(excess, step_minutes), prices) * factor


def net_benefits_energy(
    delivered_kwh: Sequence[Decimal], prices: Prices, threshold: Decimal, *, loss_factor: Decimal = Decimal(0)
) -> Decimal:
    """Order 745: q x (1 + loss) x price where the price reaches the month's threshold, else nothing; unrounded."""
    paid = [price if price is None or price >= threshold else Decimal(0) for price in prices]
    return priced(delivered_kwh, paid) * (1 + loss_factor)


def supplier_compensation(delivered_kwh: Sequence[Decimal], price_per_mwh: Decimal) -> Decimal:
    """Transfer of energy: what the aggregator owes the supplier for the delivered energy, unrounded."""
    return priced(delivered_kwh, [price_per_mwh] * len(delivered_kwh))
