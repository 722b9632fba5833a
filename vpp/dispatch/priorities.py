"""What an interval asks of each portfolio once its claims are put in order."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np

from vpp.dispatch.models import Claim, DispatchPriority, GridEmergency
from vpp.dispatch.positions import Position


def by_priority(positions: dict[int, Position], index: int, start: datetime, at: datetime) -> dict[int, Position]:
    """The positions with the orders of a grid emergency that hold in the interval from `start` on, looked at at `at`.

    Awards that count less than an emergency are set aside for the interval, those that count more are met on top of it.
    """
    orders = {
        order.portfolio_id: order
        for order in GridEmergency.objects.filter(portfolio_id__in=list(positions), period__contains=max(start, at))
    }
    if not orders:
        return positions
    priority, found = DispatchPriority.at(start), dict(positions)
    for portfolio_id, order in orders.items():
        position = positions[portfolio_id]
        kept = np.where(
            position.from_ask,
            priority.before(Claim.COMMIT, Claim.GRID_EMERGENCY),
            priority.before(Claim.MARKET, Claim.GRID_EMERGENCY),
        ).astype(bool)
        net_up_kw = position.committed_up_kw.copy()
        net_up_kw[index] = order.up_kw + position.award_up_kw[kept, index].sum()
        award_up_kw = position.award_up_kw.copy()
        award_up_kw[~kept, index] = 0.0
        found[portfolio_id] = replace(position, committed_up_kw=net_up_kw, award_up_kw=award_up_kw)
    return found


def goes_short_last(position: Position, start: datetime) -> np.ndarray:
    """(A,) awards that are served first when power is missing; the others go short before them."""
    if DispatchPriority.at(start).before(Claim.COMMIT, Claim.MARKET):
        return position.from_ask
    return ~position.from_ask
