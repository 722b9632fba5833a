"""Modelled prices: the merit order of a power system scaled to the grid's own residual load."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MODELLED_PRICE = "modelled price"


@dataclass(frozen=True)
class MeritOrder:
    """Supply curve by (K,) points. residual_pu: residual load as a share of its yearly maximum, increasing;
    marginal_cost_eur_per_mwh: cost of the plant that sets the price there."""

    residual_pu: Floats
    marginal_cost_eur_per_mwh: Floats


# Order of magnitude of central European day-ahead prices with today's fuel and carbon costs (tens of negative hours a
# month, evenings of 100 EUR/MWh and more): surplus of renewables, must-run, lignite, hard coal, gas, peakers.
MERIT_ORDER = MeritOrder(
    residual_pu=np.array([-1.0, -0.25, 0.0, 0.15, 0.35, 0.55, 0.75, 0.90, 1.0]),
    marginal_cost_eur_per_mwh=np.array([-120.0, -30.0, 5.0, 40.0, 68.0, 88.0, 112.0, 150.0, 260.0]),
)


def merit_order_price(
    residual_load_kw: Floats, peak_residual_kw: float, merit_order: MeritOrder = MERIT_ORDER
) -> Floats:
    """Price (H,) in EUR/MWh for a residual load (H,) in kW: load less wind, sun and water, consumption positive.

    peak_residual_kw : the largest residual load of the reference period, > 0. Outside the curve its end holds.
    The more expensive plant needed sets the price for all, so the price never falls with the residual load.
    """
    if peak_residual_kw <= 0.0:
        raise ValueError(f"peak_residual_kw must be positive, not {peak_residual_kw}")
    share_pu = np.asarray(residual_load_kw, dtype=np.float64) / peak_residual_kw
    price = np.interp(share_pu, merit_order.residual_pu, merit_order.marginal_cost_eur_per_mwh)
    return np.round(price, 2)
