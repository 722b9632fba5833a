"""One commitment into many setpoints: the portfolio's power of an interval split over its devices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vpp.dispatch.kernels.claims import Claims, Part, Pool, put_all
from vpp.dispatch.kernels.headroom import FleetState, headroom, kept_on_kw
from vpp.dispatch.kernels.limits import Limit
from vpp.dispatch.kernels.places import PlaceLimits, Stop, stops
from vpp.lib.units import W_PER_KW

Floats = NDArray[np.float64]
Codes = NDArray[np.int8]

__all__ = ["Claims", "PlaceLimits", "Split", "Stop", "disaggregate"]


@dataclass(frozen=True)
class Split:
    """change_kw (N,): up positive, so target_kw = baseline_kw - change_kw. residual_kw: request less their sum,
    exact to the watt; reason: the limit that cost most, NONE when nothing is missing. bound (N,): Limit codes.
    stops: places and products that a part of what is missing is due to."""

    change_kw: Floats
    target_kw: Floats
    residual_kw: float
    reason: Limit
    bound: Codes
    stops: tuple[Stop, ...] = ()


def disaggregate(
    net_up_kw: float,
    state: FleetState,
    cost_eur_per_kwh: Floats,
    step_hours: float,
    *,
    spare_store_kwh: float = float("inf"),
    places: Sequence[PlaceLimits] = (),
    claims: Claims | None = None,
) -> Split:
    """Split the committed net power (up positive, down negative) over N devices.

    spare_store_kwh : grid-side energy that batteries may move now without hurting later commitments (see corridor);
                      they give more than that only when nothing else is left.
    places          : limits of nodes, then of feeders. claims: parts that not every device may serve.

    Cheapest first; among equal costs the device that can last longest first, down to a common remaining time: the
    policy that keeps the largest set of later requests feasible (Evans, Tindemans & Angeli (2020), IEEE Trans. Smart
    Grid 11(1), doi:10.1109/TSG.2019.2918058). A device without a store counts as lasting a day less what it has
    already been used, which rotates among equals. Shares are whole watts, so their sum is exact; ties go to
    the earlier device in the order given. A device that has to stay on goes on as it is, and the others make up for
    it.
    """
    own_kw, kept_w = state.baseline_kw, np.round((state.baseline_kw - kept_on_kw(state)) * W_PER_KW)
    state = replace(state, baseline_kw=own_kw - kept_w / W_PER_KW)
    net_w = float(np.round(net_up_kw * W_PER_KW) - kept_w.sum())
    if net_w == 0.0 and claims is None:  # most intervals of most portfolios
        return Split(kept_w / W_PER_KW, state.baseline_kw.copy(), 0.0, Limit.NONE, state.barred)
    pool = Pool(
        room=headroom(state, step_hours),
        is_store=state.kind == "BATTERY",
        cost=cost_eur_per_kwh,
        step_hours=step_hours,
        spare_w=spare_store_kwh / step_hours * W_PER_KW,
        spare_up=net_up_kw >= 0.0,
        places=places,
        net_w=np.zeros(own_kw.size),
    )
    if claims is None:
        parts = [pool.put(net_w, None, "")]
    else:
        parts = put_all(pool, claims, net_w - float(np.round(claims.kw * W_PER_KW).sum()))
    change_kw = (kept_w + pool.net_w) / W_PER_KW
    worst = max(parts, key=lambda part: part.missing_w)
    return Split(
        change_kw=change_kw,
        target_kw=own_kw - change_kw,
        residual_kw=(net_w - float(pool.net_w.sum())) / W_PER_KW,
        reason=_costliest_limit(state, worst) if worst.missing_w > 0.0 else Limit.NONE,
        bound=worst.found.bound,
        stops=tuple(stop for part in parts if part.missing_w > 0.0 for stop in _stops(pool, part)),
    )


def _stops(pool: Pool, part: Part) -> list[Stop]:
    """Why a part goes short: full places first, then that others could have given it and may not."""
    told, missing_w = stops(pool.places, part.able_w, part.found, part.missing_w, part.up)
    if part.admitted is not None:
        barred_w = min(float(pool.left_w(part.up, ~part.admitted).sum()), missing_w)
        if barred_w > 0.0:
            missing_kw = (barred_w if part.up else -barred_w) / W_PER_KW
            told.append(Stop(Limit.NOT_ADMITTED, part.name, float("inf"), missing_kw))
    return told


def _costliest_limit(state: FleetState, part: Part) -> Limit:
    """The limit that took the most from what the ratings alone would have allowed."""
    up, cap_kw = part.up, part.found.cap_w / W_PER_KW
    rated_kw = state.max_production_kw + state.baseline_kw if up else state.max_consumption_kw - state.baseline_kw
    lost_kw = np.maximum(rated_kw - cap_kw, 0.0)
    by_limit = np.bincount(part.found.bound.astype(np.int64), weights=lost_kw, minlength=len(Limit))
    by_limit[Limit.RATING] = 0.0
    return Limit(int(by_limit.argmax())) if by_limit.max() > 0.0 else Limit.RATING
