"""Capacity: factors from tests and events, shortfall charges with a stop-loss, drop-to delivery."""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from vpp.settlement.kernels.answers import FloatArray
from vpp.settlement.kernels.performance import band_factor


def capacity_payment(
    committed_mw: float,
    price_per_mw_day: Decimal,
    days: int,
    delivered_pu: Sequence[float],
    band: Sequence[tuple[float, float]],
) -> Decimal:
    """Committed MW x price x days x mean k(x) over tests and events, unrounded; k(NaN), nothing called for, is 1."""
    factors = [band_factor(x, band) for x in delivered_pu] or [1.0]
    factor = Decimal(repr(sum(factors) / len(factors)))
    return Decimal(repr(committed_mw)) * price_per_mw_day * days * factor


def drop_to_delivered_mw(peak_load_mw: float, metered_mw: FloatArray, loss_factor: float) -> FloatArray:
    """(H,) delivered of a firm service level: peak load contribution - metered x loss factor."""
    return peak_load_mw - metered_mw * loss_factor


def best_hours_factor(delivered_mw: FloatArray, obligation_mw: float, hours: int = 4) -> float:
    """NYISO special case resources: mean of the best hours over the obligation, at most 1, floor 0."""
    if obligation_mw <= 0 or not delivered_mw.size:
        return 0.0
    best = np.sort(np.nan_to_num(delivered_mw, nan=0.0))[::-1][:hours]
    return float(np.clip(best.mean() / obligation_mw, 0.0, 1.0))


def shortfall_charge(
    shortfall_mw: FloatArray,
    net_cone_per_mw_day: Decimal,
    *,
    charged_before: Decimal,
    stop_loss_factor: Decimal = Decimal("1.5"),
    committed_mw: Decimal,
) -> Decimal:
    """PJM non-performance charge, unrounded: per interval shortfall x Net CONE x 365 / 30 / 12, within the stop-loss.

    shortfall_mw  : (I,) of five-minute intervals, negative counts as none.
    charged_before: of this delivery year; the yearly sum stops at `stop_loss_factor` x Net CONE x 365 x committed.
    """
    rate = net_cone_per_mw_day * 365 / 30 / 12
    short = sum((Decimal(repr(float(mw))) for mw in np.maximum(np.nan_to_num(shortfall_mw), 0.0)), Decimal(0))
    left = stop_loss_factor * net_cone_per_mw_day * 365 * committed_mw - charged_before
    return max(Decimal(0), min(short * rate, left))


def performance_score_payment(
    actual_mw: FloatArray, balancing_ratio: FloatArray, obligation_mw: float, rate_per_mwh: Decimal, step_minutes: int
) -> Decimal:
    """ISO-NE pay for performance, unrounded and maybe negative: (actual - ratio x obligation) x rate over intervals."""
    score_mwh = float((actual_mw - balancing_ratio * obligation_mw).sum()) * step_minutes / 60
    return Decimal(repr(score_mwh)) * rate_per_mwh
