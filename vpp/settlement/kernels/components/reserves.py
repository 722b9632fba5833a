"""Reserve that was not there: payments rescinded, and refunds back to the last event."""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from vpp.settlement.kernels.answers import FloatArray
from vpp.settlement.kernels.value import Prices, priced, settled_kwh


def rescission(awarded_kw: FloatArray, undelivered_kw: FloatArray, prices: Prices, step_minutes: int) -> Decimal:
    """CAISO no-pay, unrounded, not negative: the capacity payment of the undelivered kW, at most the awarded ones.

    prices : EUR/MW/h; a negative price gives nothing back.
    """
    lost = np.clip(np.nan_to_num(undelivered_kw, nan=np.inf), 0.0, awarded_kw)
    floored = [None if price is None else max(price, Decimal(0)) for price in prices]
    return priced(settled_kwh(lost, step_minutes), floored)


def synchronized_response_mw(before_mw: FloatArray, after_mw: FloatArray) -> float:
    """PJM synchronized reserve by load: reading at the start less reading ten minutes later, both in the resource's
    disfavour: the lowest of three minutes before, the highest of three minutes after."""
    return float(np.min(before_mw) - np.max(after_mw))


def synchronized_refund(
    assigned_mw: float,
    response_mw: float,
    credits_since_last_event: Sequence[Decimal],
    assigned_since_mw: Sequence[float],
    mean_gap_days: int,
) -> Decimal:
    """PJM refund, unrounded: the missing share of the credits of the days since the last event, at most the mean gap.

    credits and assigned MW are per day, newest first; on a day with less assigned than is missing all of it is owed.
    """
    missing = max(0.0, assigned_mw - response_mw)
    owed = Decimal(0)
    days = list(zip(credits_since_last_event, assigned_since_mw, strict=True))[:mean_gap_days]
    for credit, assigned in days:
        if assigned > 0:
            owed += credit * Decimal(repr(min(1.0, missing / assigned)))
    return owed
