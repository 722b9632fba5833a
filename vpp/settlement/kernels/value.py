"""Quantities times prices, exactly: Decimal in, Decimal out, rounded to the cent once per component by the caller.

Energy is Decimal kWh (rounded once, when it was stored), prices are Decimal EUR/MWh or EUR/MW/h. A price may be
negative. A missing price (None) for an interval with quantity raises `PriceMissing`: it is never taken as zero.
"""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from vpp.lib.units import energy_kwh
from vpp.settlement.kernels.answers import FloatArray

KWH_PER_MWH = Decimal(1000)
ENERGY_QUANTUM_KWH = Decimal("0.000001")

Prices = Sequence[Decimal | None]


class PriceMissing(ValueError):
    """A quantity has no price; `interval` says where."""

    def __init__(self, interval: int) -> None:
        super().__init__(f"interval {interval} has a quantity and no price")
        self.interval = interval


def settled_kwh(power_kw: FloatArray, step_minutes: int) -> list[Decimal]:
    """Energies as they are stored and paid, at 1e-6 kWh."""
    return [Decimal(float(kwh)).quantize(ENERGY_QUANTUM_KWH) for kwh in energy_kwh(power_kw, step_minutes)]


def priced(quantities_kwh: Sequence[Decimal], prices: Prices) -> Decimal:
    """Sum of quantity x price in EUR, unrounded."""
    total = Decimal(0)
    for interval, (quantity, price) in enumerate(zip(quantities_kwh, prices, strict=True)):
        if quantity == 0:
            continue
        if price is None:
            raise PriceMissing(interval)
        total += quantity * price
    return total / KWH_PER_MWH


def two_settlement(
    committed_kwh: Sequence[Decimal], delivered_kwh: Sequence[Decimal], prices: Prices, spread_pu: Decimal
) -> tuple[Decimal, Decimal]:
    """(day-ahead value, imbalance value) in EUR, unrounded; signed energies, up (sold) positive.

    q_DA x P_DA + (q_RT - q_DA) x P_imbalance, the latter the day-ahead price made worse by `spread_pu` of its absolute
    value on both sides: dearer where short, cheaper where long, also at negative prices.
    """
    day_ahead = priced(committed_kwh, prices)
    deviation = [real - sold for real, sold in zip(delivered_kwh, committed_kwh, strict=True)]
    imbalance_prices = [
        None if price is None else price + (spread_pu if gap < 0 else -spread_pu) * abs(price)
        for gap, price in zip(deviation, prices, strict=True)
    ]
    return day_ahead, priced(deviation, imbalance_prices)


def availability(capacity_kw: FloatArray, prices: Prices, step_minutes: int) -> Decimal:
    """Capacity held x its price (EUR/MW/h) over the intervals, in EUR, unrounded."""
    return priced(settled_kwh(np.asarray(capacity_kw), step_minutes), prices)
